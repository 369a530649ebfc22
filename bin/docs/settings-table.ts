import type { Setting } from "../../lib/setting-kinds.ts";
import { settings } from "../../lib/settings.ts";
import { type Column, code, markdownTable } from "./markdown-table.ts";

const start = "<!-- settings: npm run docs:settings -->\n";
const end = "<!-- /settings -->\n";

/** `docs/configuration.md` with the table of all settings between its markers. @throws {Error} without markers */
export function withSettingsTable(document: string): string {
  const [before, rest] = document.split(start);
  const [, after] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined) {
    throw new Error(`docs/configuration.md has no markers: put ${start}and ${end}into it`);
  }
  return `${before}${start}\n${markdownTable(columns, Object.entries(settings))}\n${end}${after}`;
}

type Named = readonly [name: string, setting: Setting<unknown>];

const columns: readonly Column<Named>[] = [
  ["Name", ([name]) => code(name)],
  ["Default", ([, setting]) => setting.defaultText ?? defaultOf(setting)],
  ["Accepts", ([, { expected }]) => expected],
  ["Variable", ([, { variable }]) => (variable === undefined ? "" : code(variable))],
  ["Meaning", ([, { meaning }]) => meaning],
];

const defaultOf = ({ default: value }: Setting<unknown>): string =>
  value === undefined ? "none" : code(`${value}`);
