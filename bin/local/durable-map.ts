import { closeSync, openSync, writeFileSync } from "node:fs";
import { logFailedWrite, readPrivateFile, writePrivateFile } from "./private-file.ts";

export interface DurableMap<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
  entries(): IterableIterator<[string, Value]>;
  close(): void;
}

export interface DurableMapOptions<Value> {
  /** @default in memory */
  readonly path?: string | undefined;
  /** True: the entry is left out when the file is rewritten. */
  readonly isStale: (value: Value) => boolean;
  /** True: a change that cannot be written does not throw. It is logged and in memory. @default false */
  readonly outlivesFailedWrites?: boolean;
}

/** The number of appended changes after which the file is rewritten. */
const changesPerRewrite = 5_000;

/**
 * A map that appends every change to a file before the call returns, so that it survives SIGKILL. A change is one JSON
 * line, `[key, value]` or `[key]`. A last line that was cut off is ignored.
 *
 * A change that cannot be written, to a full disk for instance, is kept in memory, and the next change writes it as well.
 *
 * @throws {Error} naming the file, if another program wrote it
 */
export function openDurableMap<Value>({
  path,
  isStale,
  outlivesFailedWrites = false,
}: DurableMapOptions<Value>): DurableMap<Value> {
  const values = path === undefined ? new Map<string, Value>() : readLines<Value>(path);
  let file: number | undefined;
  let changes = 0;
  /** True: the file lacks a change, or ends in a part of one. */
  let isIncomplete = false;

  const rewrite = (): void => {
    for (const [key, value] of values) if (isStale(value)) values.delete(key);
    changes = 0;
    if (path === undefined) return;
    const lines = [...values].map((entry) => `${JSON.stringify(entry)}\n`);
    writePrivateFile(path, lines.join(""));
    if (file !== undefined) closeSync(file);
    file = openSync(path, "a", 0o600);
    isIncomplete = false;
  };
  const write = (change: [string] | [string, Value]): void => {
    changes += 1;
    if (isIncomplete || changes >= changesPerRewrite) {
      rewrite();
      return;
    }
    if (file === undefined || path === undefined) return;
    try {
      // Unlike writeSync, it writes everything or throws.
      writeFileSync(file, `${JSON.stringify(change)}\n`);
    } catch (error) {
      isIncomplete = true;
      logFailedWrite(path, error);
      throw error;
    }
  };
  const append = (change: [string] | [string, Value]): void => {
    try {
      write(change);
    } catch (error) {
      if (!outlivesFailedWrites) throw error;
    }
  };

  rewrite();
  return {
    get: (key) => values.get(key),
    set: (key, value) => {
      values.set(key, value);
      append([key, value]);
    },
    delete: (key) => {
      if (values.delete(key)) append([key]);
    },
    entries: () => values.entries(),
    close: () => {
      if (isIncomplete) rewrite();
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

function readLines<Value>(path: string): Map<string, Value> {
  const values = new Map<string, Value>();
  const lines = (readPrivateFile(path) ?? "").split("\n");
  // Every complete line ends in a line break. The text after the last one is empty, or was cut off.
  for (const line of lines.slice(0, -1)) {
    const [key, ...rest] = parseLine<Value>(line, path);
    const [value] = rest;
    if (value === undefined) values.delete(key);
    else values.set(key, value);
  }
  return values;
}

function parseLine<Value>(line: string, path: string): [string] | [string, Value] {
  try {
    const change: unknown = JSON.parse(line);
    if (Array.isArray(change) && typeof change[0] === "string" && change.length <= 2) {
      return change as [string] | [string, Value];
    }
  } catch {
    // The parser's message quotes the file, which holds tokens.
  }
  throw new Error(`${path} was not written by this service. Remove it to start without its data`);
}
