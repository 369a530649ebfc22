import type {
  ProviderEntry,
  UrlVariable,
} from "../../functions/adapters/provider-catalogue/provider-entry.ts";
import { snakeCase } from "../../functions/adapters/provider-catalogue/snake-case.ts";

import { type Column, code, markdownTable } from "./markdown-table.ts";

type Named = readonly [string, ProviderEntry];

/** `docs/providers.md`: the catalogue, for people. */
export function providersDocument(catalogue: Readonly<Record<string, ProviderEntry>>): string {
  const entries = Object.entries(catalogue);
  return `${introduction(entries.length)}
${markdownTable(columns, entries)}
## Notes

${entries.map(paragraph).join("\n")}`;
}

const introduction = (count: number): string => `# Providers

\`npm run docs:providers\` writes this page from \`functions/adapters/provider-catalogue/entries/\`. A test compares them.

The catalogue has ${count} providers that differ from RFC 6749, or state more than it does. A provider that conforms
needs no entry: \`npm run admin -- integrations put acme --token-endpoint …\`. \`npm run admin -- providers show google\`
prints all fields of an entry. Each field can be replaced for one integration.

- **Rotation**: whether a refresh ends the former refresh token, and how long that still works.
- **Refresh token**: idle, it ends after this long without use; absolute, it ends this long after the consent.
- **Differs in**: the other fields of the entry.
- **Source**: \`vendor\`, the main facts come from the vendor's own pages; \`secondary\`, at least one does not.
`;

const columns: readonly Column<Named>[] = [
  ["Provider", ([name, { title }]) => `[${title}](#${name})`],
  [
    "Client authentication",
    ([, { tokenEndpointAuthMethod: method }]) => (method === undefined ? "" : code(method)),
  ],
  ["Access token", ([, entry]) => duration(entry.accessTokenLifetimeSeconds)],
  ["Rotation", ([, entry]) => rotation(entry)],
  ["Refresh token", ([, entry]) => refreshTokenEnd(entry)],
  ["Limits", ([, entry]) => limits(entry)],
  ["Differs in", ([, entry]) => oddities(entry).map(code).join(", ")],
  ["Source", ([, entry]) => entry.verified],
];

const rotation = ({ rotation, rotationGraceSeconds }: ProviderEntry): string =>
  [rotation ?? "", duration(rotationGraceSeconds)].filter((part) => part !== "").join(", ");

const refreshTokenEnd = (entry: ProviderEntry): string =>
  listed({
    idle: duration(entry.refreshTokenIdleSeconds),
    absolute: duration(entry.refreshTokenAbsoluteSeconds),
  });

const limits = (entry: ProviderEntry): string =>
  listed({
    every: duration(entry.minimumRefreshIntervalSeconds),
    "a minute": entry.maxPerMinute,
    "at a time": entry.maxConcurrent,
  });

const listed = (parts: Readonly<Record<string, string | number | undefined>>): string =>
  Object.entries(parts)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => (typeof value === "number" ? `${value} ${name}` : `${name} ${value}`))
    .join(", ");

const units = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
] as const;

/** A duration as a whole number of the largest unit that permits it. */
function duration(seconds: number | undefined): string {
  const [size, unit] = units.find(([size]) => (seconds ?? 0) % size === 0) ?? [1, "s"];
  return seconds === undefined ? "" : `${seconds / size} ${unit}`;
}

/** The fields with a column or a place of their own. */
const shownElsewhere: readonly string[] = [
  ...["title", "tokenEndpoint", "source", "verified", "note", "tokenEndpointAuthMethod"],
  ...["rotation", "rotationGraceSeconds", "refreshTokenIdleSeconds", "refreshTokenAbsoluteSeconds"],
  ...["accessTokenLifetimeSeconds", "minimumRefreshIntervalSeconds", "maxPerMinute"],
  ...["maxConcurrent", "origins", "originsBelow"],
];

const oddities = (entry: ProviderEntry): readonly string[] =>
  Object.keys(entry)
    .filter((field) => !shownElsewhere.includes(field))
    .map(snakeCase);

const paragraph = ([name, entry]: Named): string => `<a id="${name}"></a>

### ${entry.title}

\`--provider ${name}\`: \`${entry.refreshEndpoint ?? entry.tokenEndpoint}\`.${sentence(entry.note)}

${[
  ...Object.entries(entry.variables ?? {}).map(variable),
  ...tokenMoves(entry),
  ...entry.source.map((url) => `<${url}>`),
]
  .map((item) => `- ${item}\n`)
  .join("")}`;

/** Hosts among which tokens move without an operator's permission, beside the choices of the variables. */
const tokenMoves = ({ origins = [], originsBelow }: ProviderEntry): readonly string[] => [
  ...(originsBelow === undefined
    ? []
    : [`tokens move among the hosts below ${code(originsBelow)}`]),
  ...(origins.length === 0 ? [] : [`tokens also move to and from ${origins.map(code).join(", ")}`]),
];

const sentence = (note: string | undefined): string => (note === undefined ? "" : ` ${note}`);

function variable([name, variable]: [string, UrlVariable]): string {
  const standard = variable.default === undefined ? "" : `; by default ${code(variable.default)}`;
  if ("choices" in variable) {
    return `${code(name)}: one of ${variable.choices.map(code).join(", ")}${standard}`;
  }
  const owner = variable.setBy === "integration" ? "stated by the integration, " : "";
  return `${code(name)}: ${owner}for example ${code(variable.example)}${standard}`;
}
