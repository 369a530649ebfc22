/** A record of last resort, or the trace of one that is not whole. */
export type LogRecord =
  | { readonly kind: "record"; readonly members: Readonly<Record<string, unknown>> }
  | { readonly kind: "fragment" };

const code = "commit.last_resort";

/**
 * Finds the records of last resort in what a log gives out: JSON lines, with or without what
 * CloudWatch writes in front of them (`aws logs tail`), or a JSON document whose strings hold the
 * lines (`aws logs filter-log-events`, `get-query-results`).
 */
export function findRecords(text: string): readonly LogRecord[] {
  const document = parse(text);
  if (document !== undefined) return recordsIn(document);
  return text.split("\n").flatMap((line) => recordsInLine(line));
}

function recordsInLine(line: string): readonly LogRecord[] {
  // What stands in front may hold braces itself: the first from which the rest is JSON counts.
  for (let at = line.indexOf("{"); at !== -1; at = line.indexOf("{", at + 1)) {
    const value = parse(line.slice(at));
    if (value !== undefined) return recordsIn(value);
    if (!line.includes(code)) return [];
  }
  return line.includes(code) ? [{ kind: "fragment" }] : [];
}

function recordsIn(value: unknown): readonly LogRecord[] {
  if (typeof value === "string") return value.includes(code) ? recordsInLine(value) : [];
  if (typeof value !== "object" || value === null) return [];
  if ("code" in value && value.code === code) return [{ kind: "record", members: { ...value } }];
  return Object.values(value).flatMap(recordsIn);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
