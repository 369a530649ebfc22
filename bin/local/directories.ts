import {
  accessSync,
  chmodSync,
  constants,
  mkdirSync,
  readdirSync,
  rmdirSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { tighten } from "./private-file.ts";
import { CannotStart } from "./settings.ts";
import type { Shutdown } from "./shutdown.ts";

/**
 * Creates a directory for its owner alone, unless it exists. The shutdown removes a directory that was created and is
 * still empty.
 *
 * @param purpose names the directory in the error
 * @throws {CannotStart}
 */
export function makeWritable(path: string, purpose: string, shutdown: Shutdown): void {
  try {
    const created = mkdirSync(path, { recursive: true, mode: 0o700 });
    if (created !== undefined) shutdown.add(() => rmdirSync(path));
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new CannotStart(`${purpose} ${path} cannot be written (${code})`, error);
  }
}

/** The names of what this service keeps in DATA_DIR, drafts included. */
const ownNames =
  /^(?:dynamodb|api-key|(?:kms|secrets)\.json|(?:sqs-\w+|authorization-server)\.jsonl)(?:\.\d+\.tmp)?$/;
const stickyBit = 0o1000;

/**
 * Takes the data from other users, also what an earlier release or another umask has left open. Files that others put
 * into the directory stay as they are, and so does a directory that users share, such as /tmp.
 *
 * @throws {CannotStart} the directory or a file belongs to another user
 */
export function makePrivate(directory: string): void {
  try {
    const { mode } = statSync(directory);
    if ((mode & stickyBit) === 0 && (mode & 0o077) !== 0) chmodSync(directory, mode & 0o700);
    for (const name of readdirSync(directory))
      if (ownNames.test(name)) tighten(join(directory, name));
  } catch (error) {
    const { code = "unknown", path = directory } = error as NodeJS.ErrnoException;
    throw new CannotStart(`DATA_DIR: ${path} cannot be made private (${code})`, error);
  }
}
