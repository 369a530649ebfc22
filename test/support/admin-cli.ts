import { Readable, Writable } from "node:stream";
import { runAdmin } from "../../bin/admin/program.ts";

/** How a command of the CLI ended. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

let previous: Promise<unknown> = Promise.resolve();

/**
 * Runs a command of the CLI in this process, which takes a hundredth of the time of a process of its own.
 * Commands run one after the other: the AWS SDK reads endpoints and credentials from `process.env`, which
 * is the command's while it runs.
 *
 * @param environment complete: nothing is inherited from this process
 */
export function runCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  stdin = "",
): Promise<CommandResult> {
  const result = previous.then(() => runAlone(args, environment, stdin));
  previous = result.catch(() => undefined);
  return result;
}

async function runAlone(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  stdin: string,
): Promise<CommandResult> {
  const stdout = collector();
  const stderr = collector();
  const own = process.env;
  process.env = { ...environment };
  try {
    const streams = { stdin: Readable.from([stdin]), stdout: stdout.stream, stderr: stderr.stream };
    const exitCode = await runAdmin(args, { environment, ...streams });
    return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    process.env = own;
  }
}

function collector() {
  const chunks: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  return { stream, text: () => chunks.join("") };
}
