import { Command, CommanderError } from "commander";
import { connectionCommands } from "./connections.ts";
import { integrationCommands } from "./integrations.ts";
import type { AdminIo } from "./io.ts";
import { keyCommands } from "./keys.ts";
import { printableOutput } from "./printable.ts";
import { providerCommands } from "./providers.ts";
import { rescueCommand } from "./rescue.ts";

/**
 * Runs one command of the CLI.
 * @param args the arguments of the command line, without the program
 * @returns the exit code; an error is one line on stderr
 */
export async function runAdmin(args: readonly string[], streams: AdminIo): Promise<number> {
  const io = {
    ...streams,
    stdout: printableOutput(streams.stdout),
    stderr: printableOutput(streams.stderr),
  };
  const program = new Command("admin")
    .description("Administers the OAuth token refresh service")
    .addHelpText("after", help)
    .addCommand(integrationCommands(io))
    .addCommand(connectionCommands(io))
    .addCommand(keyCommands(io))
    .addCommand(providerCommands(io))
    .addCommand(rescueCommand(io));
  for (const command of everyCommand(program)) withOutputTo(command, io);
  try {
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    io.stderr.write(`error: ${reasonOf(error)}\n`);
    return 1;
  }
}

const help = `
The environment names the tables, the key and the secrets' prefix. For the local service, source .local/env. On AWS,
set it from the outputs of the stacks (docs/operations.md). Secrets are read from stdin or a prompt, never from arguments.

Example:
  source .local/env
  npm run admin -- connections show conn_demo --workspace wsp_demo`;

const everyCommand = (command: Command): readonly Command[] => [
  command,
  ...command.commands.flatMap(everyCommand),
];

/** Makes commander write to the given streams, and throw instead of exiting. */
const withOutputTo = (command: Command, { stdout, stderr }: AdminIo): Command =>
  command.exitOverride().configureOutput({
    writeOut: (text) => stdout.write(text),
    writeErr: (text) => stderr.write(text),
  });

/** One line. The cause holds the reason why a store is unavailable. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  const detail = cause instanceof Error ? ` (${cause.name}: ${cause.message})` : "";
  return `${message}${detail}`.replace(/\s+/g, " ").trim();
}
