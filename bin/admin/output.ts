import type { AdminIo } from "./io.ts";

export type Row = Readonly<Record<string, string | number | readonly string[] | undefined>>;

export interface OutputOptions {
  /** `--json` */
  readonly json?: boolean;
}

/** Prints a row as a JSON object, or with a line for each member that has a value. */
export function print({ stdout }: AdminIo, { json }: OutputOptions, row: Row): void {
  stdout.write(json ? `${JSON.stringify(row, null, 2)}\n` : lines(row));
}

/** Prints rows as a JSON array, or as a table. @param none is printed in place of an empty table */
export function printAll(
  { stdout }: AdminIo,
  { json }: OutputOptions,
  rows: readonly Row[],
  none: string,
): void {
  if (json) stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else stdout.write(rows.length === 0 ? `${none}\n` : table(rows));
}

function lines(row: Row): string {
  const members = Object.entries(row).filter(([, value]) => value !== undefined);
  const width = Math.max(...members.map(([name]) => name.length));
  return members.map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}\n`).join("");
}

function table(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = [names, ...rows.map((row) => names.map((name) => cell(row[name])))];
  const widths = names.map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0)));
  return cells
    .map((line) => line.map((text, i) => text.padEnd(widths[i] ?? 0)).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

/** Replaces control characters, since a text from a provider must not control the terminal. */
function cell(value: Row[string]): string {
  const text = typeof value === "object" ? value.join(" ") : String(value ?? "");
  return text.replace(/\p{Cc}/gu, "?") || "-";
}
