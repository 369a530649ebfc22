import type { MemberPath } from "./provider-entry.ts";

/** A member of its own, and nothing that an object inherits (`constructor`, `__proto__`). */
export const ownValue = <Value>(
  values: Readonly<Record<string, Value>>,
  name: string,
): Value | undefined => (Object.hasOwn(values, name) ? values[name] : undefined);

/** What stands at a path; the empty one leads nowhere further. Undefined: nothing does. */
export const valueAt = (value: unknown, path: MemberPath): unknown =>
  segmentsOf(path).reduce(
    (inner: unknown, segment) => (isObject(inner) ? ownValue(inner, segment) : undefined),
    value,
  );

export const segmentsOf = (path: MemberPath): readonly string[] =>
  path === "" ? [] : path.split(".");

/** Arrays as well: their members have the names 0, 1, … */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
