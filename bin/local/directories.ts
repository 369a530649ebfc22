import { accessSync, constants, mkdirSync, rmdirSync } from "node:fs";
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
