import { readFileSync, rmSync } from "node:fs";
import { writePrivateFile } from "./private-file.ts";

export interface EnvFile {
  /** Removes the file, unless another process has written it meanwhile. */
  remove(): void;
}

/**
 * Writes `export` lines for a shell to source, readable by their owner alone.
 * @param unset names of variables that would take precedence over the exported ones
 */
export function writeEnvFile(
  path: string,
  variables: Readonly<Record<string, string>>,
  unset: readonly string[],
): EnvFile {
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`);
  if (unset.length > 0) lines.unshift(`unset ${unset.join(" ")}`);
  const content = `${lines.join("\n")}\n`;
  writePrivateFile(path, content);
  return {
    remove() {
      try {
        if (readFileSync(path, "utf8") === content) rmSync(path);
      } catch {
        // The file is already gone.
      }
    },
  };
}

/** Quotes for a POSIX shell, where the single quote is the only special character between single quotes. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
