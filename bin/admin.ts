import { runAdmin } from "./admin/program.ts";

const { env: environment, stdin, stdout, stderr } = process;
// A reader such as `head` may close the pipe early.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(process.exitCode);
});
process.exitCode = await runAdmin(process.argv.slice(2), { environment, stdin, stdout, stderr });
