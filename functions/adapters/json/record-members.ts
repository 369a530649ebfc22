/** What each member of a record of ours has to be. */
export type MemberChecks<Name extends string> = Readonly<
  Record<Name, { readonly expected: string; readonly holds: (value: unknown) => boolean }>
>;

/** Every member at fault, in words, without its value. */
export const faultsOf = (
  checks: MemberChecks<string>,
  members: Readonly<Record<string, unknown>>,
): string[] =>
  Object.entries(checks)
    .filter(([name, { holds }]) => !holds(members[name]))
    .map(([name, { expected }]) => `${name}: expected ${expected}`);

/** Undefined: not JSON. The parser's message, which quotes the text, goes no further. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const isInstant = (value: unknown): boolean =>
  typeof value === "string" &&
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z$/.test(value) &&
  !Number.isNaN(Date.parse(value));

export const instantWords = "an ISO 8601 instant in UTC";
