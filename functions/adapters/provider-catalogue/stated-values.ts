import type { MemberPath } from "./provider-entry.ts";

/** An object's own member, never an inherited one (`constructor`, `__proto__`). */
export const ownValue = <Value>(
  values: Readonly<Record<string, Value>>,
  name: string,
): Value | undefined => (Object.hasOwn(values, name) ? values[name] : undefined);

/** The value at a path; the empty path leads to the value itself. Undefined: there is none. */
export const valueAt = (value: unknown, path: MemberPath): unknown =>
  segmentsOf(path).reduce(
    (inner: unknown, segment) => (isContainer(inner) ? ownValue(inner, segment) : undefined),
    value,
  );

export const segmentsOf = (path: MemberPath): readonly string[] =>
  path === "" ? [] : path.split(".");

/** An object or an array. The members of an array have the names 0, 1, … */
export const isContainer = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
