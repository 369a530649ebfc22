import type { Readable } from "node:stream";
import type { Environment } from "../../functions/runtime/environment.ts";

/** The part of a stream that commands write to. */
export interface TextOutput {
  write(text: string): unknown;
}

/** The streams and the environment of a command. */
export interface AdminIo {
  readonly environment: Environment;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** The command's result. */
  readonly stdout: TextOutput;
  /** Prompts, notes and errors, for a person. */
  readonly stderr: TextOutput;
}

/** A command fails. The message is one line for the person who ran it. */
export class CommandFailed extends Error {
  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.name = "CommandFailed";
  }
}

/**
 * @throws {CommandFailed} naming all variables that are missing
 */
export function requireEnvironment<Name extends string>(
  environment: Environment,
  ...names: readonly Name[]
): Readonly<Record<Name, string>> {
  const missing = names.filter((name) => !environment[name]);
  if (missing.length > 0) {
    const hint = "Source .local/env, or set them from the outputs of the stacks";
    throw new CommandFailed(`the environment lacks ${missing.join(", ")}. ${hint}`);
  }
  const values = names.map((name) => [name, environment[name] ?? ""] as const);
  return Object.fromEntries(values) as Record<Name, string>;
}
