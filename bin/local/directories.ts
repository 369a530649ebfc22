import { accessSync, constants, mkdirSync, rmdirSync } from "node:fs";
import { CannotStart } from "./settings.ts";
import type { Shutdown } from "./shutdown.ts";

/**
 * Makes a directory that only its owner may enter, unless it is there; what it made goes again with
 * the shutdown if nothing was put into it.
 *
 * @param what the directory is for, in the message
 * @throws {CannotStart}
 */
export function makeWritable(path: string, what: string, shutdown: Shutdown): void {
  try {
    const made = mkdirSync(path, { recursive: true, mode: 0o700 });
    if (made !== undefined) shutdown.add(() => rmdirSync(path));
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new CannotStart(`${what} ${path} cannot be written (${code})`, error);
  }
}
