import { closeSync, openSync, writeSync } from "node:fs";
import { readPrivateFile, writePrivateFile } from "./private-file.ts";

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
}

/** The number of appended changes after which the file is rewritten. */
const changesPerRewrite = 5_000;

/**
 * A map that appends every change to a file before the call returns, so that it survives SIGKILL. A change is one JSON
 * line, `[key, value]` or `[key]`. A last line that was cut off is ignored.
 *
 * @throws {Error} naming the file, if another program wrote it
 */
export function openDurableMap<Value>({
  path,
  isStale,
}: DurableMapOptions<Value>): DurableMap<Value> {
  const values = path === undefined ? new Map<string, Value>() : readLines<Value>(path);
  let file: number | undefined;
  let changes = 0;

  const rewrite = (): void => {
    for (const [key, value] of values) if (isStale(value)) values.delete(key);
    changes = 0;
    if (path === undefined) return;
    if (file !== undefined) closeSync(file);
    const lines = [...values].map((entry) => `${JSON.stringify(entry)}\n`);
    writePrivateFile(path, lines.join(""));
    file = openSync(path, "a");
  };
  const append = (change: [string] | [string, Value]): void => {
    if (file !== undefined) writeSync(file, `${JSON.stringify(change)}\n`);
    changes += 1;
    if (changes >= changesPerRewrite) rewrite();
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
