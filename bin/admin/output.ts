import type { AdminIo } from "./io.ts";
import { printableLine } from "./printable.ts";

type Cell = string | number | readonly string[] | undefined;
export type Row = Readonly<Record<string, Cell | readonly Row[]>>;

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

/** Rows within a row follow as a table of their own, under their name. */
function lines(row: Row): string {
  const members = cellsOf(row).filter(([, value]) => value !== undefined);
  const width = Math.max(...members.map(([name]) => name.length));
  const text = members.map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}\n`).join("");
  return text + innerTables([row]);
}

function table(rows: readonly Row[]): string {
  const inner = new Set(rows.flatMap((row) => innerRowsOf(row).map(([name]) => name)));
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter(
    (name) => !inner.has(name),
  );
  const cells = [
    names,
    ...rows.map((row) => names.map((name) => cell(Object.fromEntries(cellsOf(row))[name]))),
  ];
  const widths = names.map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0)));
  const text = cells
    .map((line) => line.map((text, i) => text.padEnd(widths[i] ?? 0)).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
  return text + innerTables(rows);
}

function innerTables(rows: readonly Row[]): string {
  const inner = rows.flatMap(innerRowsOf);
  const names = [...new Set(inner.map(([name]) => name))];
  const rowsNamed = (wanted: string) =>
    inner.flatMap(([name, all]) => (name === wanted ? all : []));
  return names.map((name) => `\n${name}\n${table(rowsNamed(name))}`).join("");
}

const isRows = (value: Row[string]): value is readonly Row[] =>
  Array.isArray(value) && typeof value[0] === "object";

const innerRowsOf = (row: Row): readonly (readonly [string, readonly Row[]])[] =>
  Object.entries(row).flatMap(([name, value]) => (isRows(value) ? [[name, value] as const] : []));

const cellsOf = (row: Row): readonly (readonly [string, Cell])[] =>
  Object.entries(row).flatMap(([name, value]) =>
    isRows(value) ? [] : [[name, value as Cell] as const],
  );

function cell(value: Cell): string {
  const text = typeof value === "object" ? value.join(" ") : String(value ?? "");
  return printableLine(text) || "-";
}
