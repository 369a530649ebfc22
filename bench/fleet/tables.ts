/** Returns a Markdown table with aligned columns. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) =>
    Math.max(3, ...all.map((row) => (row[column] ?? "").length)),
  );
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => (row[column] ?? "").padEnd(width)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(header), rule, ...rows.map(line)].join("\n");
}

export const integer = (value: number): string => Math.round(value).toLocaleString("en-US");
export const decimal = (value: number): string =>
  value.toLocaleString("en-US", { maximumFractionDigits: 2 });
export const dollars = (value: number): string =>
  `$${value.toLocaleString("en-US", { maximumFractionDigits: value < 100 ? 2 : 0 })}`;
export const duration = (durationMs: number): string =>
  durationMs < 120_000
    ? `${Math.round(durationMs / 1000)} s`
    : `${(durationMs / 60_000).toFixed(1)} min`;
