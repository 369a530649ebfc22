import { readFileSync, rmSync } from "node:fs";
import { readPrivateFile, writePrivateFile } from "./private-file.ts";

export interface EnvFile {
  readonly path: string;
  /** Removes the file, unless another process has written it meanwhile. */
  remove(): void;
}

/**
 * Writes `export` lines for a shell to source, readable by their owner alone. The file of another service that runs
 * stays: the lines then go to a file whose name ends in the port, `env.3001`.
 *
 * @param apiUrl the address that this process serves
 * @param unset names of variables that would take precedence over the exported ones
 */
export function writeEnvFile(
  preferredPath: string,
  apiUrl: string,
  variables: Readonly<Record<string, string>>,
  unset: readonly string[],
): EnvFile {
  const isFree = !isInUse(preferredPath, apiUrl);
  const path = isFree ? preferredPath : `${preferredPath}.${new URL(apiUrl).port}`;
  const lines = Object.entries({ API_URL: apiUrl, ...variables }).map(
    ([name, value]) => `export ${name}=${quoted(value)}`,
  );
  if (unset.length > 0) lines.unshift(`unset ${unset.join(" ")}`);
  const content = `# ${writer}${process.pid}\n${lines.join("\n")}\n`;
  writePrivateFile(path, content);
  return {
    path,
    remove() {
      try {
        if (readFileSync(path, "utf8") === content) rmSync(path);
      } catch {
        // The file is already gone.
      }
    },
  };
}

const writer = "Removed at the end of process ";

/** A process that was killed leaves its file, but neither its id nor its address in use. */
function isInUse(path: string, apiUrl: string): boolean {
  const content = readPrivateFile(path) ?? "";
  const [, pid] = new RegExp(`^# ${writer}(\\d+)$`, "m").exec(content) ?? [];
  const servesOwnAddress = content.includes(`export API_URL=${quoted(apiUrl)}\n`);
  return (
    pid !== undefined && Number(pid) !== process.pid && !servesOwnAddress && isAlive(Number(pid))
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it belongs to another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Quotes for a POSIX shell, where the single quote is the only special character between single quotes. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
