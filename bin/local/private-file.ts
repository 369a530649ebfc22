import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/**
 * Replaces a file atomically, readable by its owner alone: a reader finds the old content or the new, even after a
 * crash. It is synchronous, so that two writes never overlap.
 *
 * @throws {Error} after a line on stderr; the old content is unchanged
 */
export function writePrivateFile(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(draft, "w", 0o600);
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    logFailedWrite(path, error);
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Logs that something could not be written, to a full disk for instance. @param consequence ends the line */
export function logFailedWrite(path: string, error: unknown, consequence = inMemory): void {
  const { code = "unknown" } = error as NodeJS.ErrnoException;
  console.error(`cannot write ${path} (${code}): ${consequence}`);
}

const inMemory = "the change is in memory alone. Free space before you stop the service";

/** Takes a file, or a directory and everything below it, away from the group and from others. */
export function tighten(path: string): void {
  const stats = lstatSync(path);
  // A link's target may be anything.
  if (stats.isSymbolicLink()) return;
  if ((stats.mode & 0o077) !== 0) chmodSync(path, stats.mode & 0o700);
  if (stats.isDirectory()) for (const name of readdirSync(path)) tighten(join(path, name));
}

/** Undefined: there is no such file. */
export function readPrivateFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
