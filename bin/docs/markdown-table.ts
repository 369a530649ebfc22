/** A title, and the text of a row's cell in Markdown. */
export type Column<Row> = readonly [title: string, cell: (row: Row) => string];

export function markdownTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map(([title]) => title),
    columns.map(() => "---"),
    ...rows.map((row) => columns.map(([, cell]) => cell(row).replaceAll("|", "\\|"))),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

export const code = (text: string): string => `\`${text}\``;
