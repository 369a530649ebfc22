import type { Readable, Writable } from "node:stream";
import type { Environment } from "../../functions/runtime/environment.ts";

/** What a command reads and writes. */
export interface AdminIo {
  readonly environment: Environment;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** What was asked for. */
  readonly stdout: Writable;
  /** What a person is told on the side: prompts, notes, the reason of a failure. */
  readonly stderr: Writable;
}

/** A command fails; the message is one line for the person who ran it. */
export class CommandFailed extends Error {
  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.name = "CommandFailed";
  }
}

/**
 * The values of environment variables.
 * @throws {CommandFailed} naming all that are missing
 */
export function requireEnvironment<Name extends string>(
  environment: Environment,
  ...names: readonly Name[]
): Readonly<Record<Name, string>> {
  const missing = names.filter((name) => !environment[name]);
  if (missing.length > 0) {
    const hint = "source .local/env, or set them from the outputs of the stacks";
    throw new CommandFailed(`missing from the environment: ${missing.join(", ")} (${hint})`);
  }
  const values = names.map((name) => [name, environment[name] ?? ""] as const);
  return Object.fromEntries(values) as Record<Name, string>;
}
