import type { Setting } from "../../lib/setting-kinds.ts";
import { settings } from "../../lib/settings.ts";

const start = "<!-- settings: npm run docs:settings -->\n";
const end = "<!-- /settings -->\n";

/** `docs/configuration.md` with the table of all settings between its markers. @throws {Error} without markers */
export function withSettingsTable(document: string): string {
  const [before, rest] = document.split(start);
  const [, after] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined) {
    throw new Error(`docs/configuration.md has no markers: put ${start}and ${end}into it`);
  }
  return `${before}${start}\n${settingsTable()}\n${end}${after}`;
}

const columns: readonly (readonly [string, (name: string, setting: Setting<unknown>) => string])[] =
  [
    ["Name", (name) => code(name)],
    ["Default", (_, setting) => setting.defaultText ?? defaultOf(setting)],
    ["Accepts", (_, { expected }) => expected],
    ["Variable", (_, { variable }) => (variable === undefined ? "" : code(variable))],
    ["Meaning", (_, { meaning }) => meaning],
  ];

const defaultOf = ({ default: value }: Setting<unknown>): string =>
  value === undefined ? "none" : code(`${value}`);

const code = (text: string): string => `\`${text}\``;

function settingsTable(): string {
  const rows = [
    columns.map(([title]) => title),
    columns.map(() => "---"),
    ...Object.entries(settings).map(([name, setting]) =>
      columns.map(([, cell]) => cell(name, setting).replaceAll("|", "\\|")),
    ),
  ];
  return rows.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}
