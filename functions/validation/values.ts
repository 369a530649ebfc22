import type { Check } from "./check.ts";

export const boolean: Check<boolean> = (value, place) =>
  typeof value === "boolean" ? value : place.reject("bool_type", "expected a boolean");

export const string: Check<string> = (value, place) =>
  typeof value === "string" ? value : place.reject("string_type", "expected a string");

/** @param expected completes "expected …" */
export const matching =
  (pattern: RegExp, expected: string): Check<string> =>
  (value, place) => {
    if (typeof value !== "string") return string(value, place);
    if (pattern.test(value)) return value;
    return place.reject("string_pattern_mismatch", `expected ${expected}`, pattern.source);
  };

/** @param expected completes "expected …" */
export const integer =
  (
    minimum: number,
    maximum: number,
    expected = `a whole number, ${minimum} to ${maximum}`,
  ): Check<number> =>
  (value, place) => {
    const text = `expected ${expected}`;
    if (typeof value !== "number") return place.reject("int_type", text);
    if (value < minimum) return place.reject("greater_than_equal", text, minimum);
    if (value > maximum) return place.reject("less_than_equal", text, maximum);
    return Number.isInteger(value) ? value : place.reject("int_from_float", text);
  };

/** 0 or more. */
export const wholeNumber = integer(0, Number.MAX_SAFE_INTEGER, "a whole number");

export const oneOf =
  <const Choice>(choices: readonly Choice[]): Check<Choice> =>
  (value, place) => {
    const chosen = choices.find((choice) => choice === value);
    if (chosen !== undefined) return chosen;
    const expected = choices.length === 1 ? choices.join() : `one of ${choices.join(", ")}`;
    return place.reject("value_error", `expected ${expected}`);
  };

/**
 * @param expected completes "expected …"
 * @param pattern the guard's, where that is all it looks at
 */
export const satisfying =
  <Value>(
    guard: (value: unknown) => value is Value,
    expected: string,
    pattern?: RegExp,
  ): Check<Value> =>
  (value, place) => {
    if (guard(value)) return value;
    const type = pattern === undefined ? "value_error" : "string_pattern_mismatch";
    return place.reject(type, `expected ${expected}`, pattern?.source);
  };

/** ISO 8601 in UTC, with the year in four digits or, as in ECMA-262 §21.4.1.32, in six; epoch milliseconds. */
export const instant: Check<number> = (value, place) => {
  const form = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;
  const instantMs = typeof value === "string" && form.test(value) ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(instantMs)) return instantMs;
  return place.reject("value_error", "expected an ISO 8601 instant in UTC");
};
