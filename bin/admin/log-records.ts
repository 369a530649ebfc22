/** A record of last resort, or a part of one that was cut off. */
export type LogRecord =
  | { readonly kind: "record"; readonly members: Readonly<Record<string, unknown>> }
  | { readonly kind: "fragment" };

const code = "commit.last_resort";

/**
 * Finds the records of last resort in a log: JSON lines, with or without CloudWatch's prefix (`aws logs tail`), or a
 * JSON document whose strings hold the lines (`aws logs filter-log-events`, `get-query-results`).
 */
export function findRecords(text: string): readonly LogRecord[] {
  const document = parse(text);
  if (document !== undefined) return recordsIn(document);
  return text.split("\n").flatMap((line) => recordsInLine(line));
}

function recordsInLine(line: string): readonly LogRecord[] {
  // The prefix may hold braces. The record begins at the first brace from which the rest is JSON.
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
