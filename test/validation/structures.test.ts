import { type Check, faultsOf, faultsText, validated } from "../../functions/validation/check.ts";
import {
  filledList,
  json,
  list,
  nullish,
  object,
  optional,
  record,
  refined,
  validMembers,
  variant,
  withDefault,
} from "../../functions/validation/structures.ts";
import { boolean, instant, integer, oneOf, string } from "../../functions/validation/values.ts";

const read = <Value>(check: Check<Value>, value: unknown): Value =>
  validated(check, value, (faults) => new Error(faultsText(faults)));
const faultIn = (check: Check<unknown>, value: unknown): string =>
  faultsText(faultsOf(check, value));

describe("an object", () => {
  const check = object({
    name: string,
    age: optional(integer(0, 150)),
    role: withDefault(oneOf(["user", "admin"]), "user"),
    left: nullish(boolean),
  });

  test("holds the members that have a check, and none that is absent", () => {
    expect(read(check, { name: "a", left: null, other: 1 })).toStrictEqual({
      name: "a",
      role: "user",
    });
  });

  test("reports every member at fault, in the order of the checks", () => {
    expect(faultIn(check, { age: 151, role: "root", left: 0 })).toBe(
      "name: required; age: expected a whole number, 0 to 150; role: expected one of user, admin; left: expected a boolean",
    );
  });

  test.each([null, undefined, [], "a", 7])("is not %j", (value) => {
    expect(faultIn(check, value)).toBe("expected an object");
  });

  test("may refuse other members, with or without their names", () => {
    const value = { a: 1, canary: 2 };
    const checks = { a: integer(0, 9) };
    expect(faultIn(object(checks, { others: "refused" }), value)).toBe("expected no members but a");
    expect(faultIn(object(checks, { others: "refused_by_name" }), value)).toBe(
      "canary: is not known",
    );
  });

  test("may have other names than the result", () => {
    const named = object({ first: string }, { nameOf: (name) => name.toUpperCase() });
    expect(read(named, { FIRST: "a" })).toEqual({ first: "a" });
    expect(faultIn(named, { first: "a" })).toBe("FIRST: required");
  });

  test("inherits no member", () => {
    expect(read(object({ toString: optional(boolean) }), {})).toEqual({});
  });
});

test("the valid members of an object remain, and the others are reported", () => {
  const members = validMembers({ a: boolean, b: boolean, c: boolean });
  const check: Check<unknown> = (_, place) => members({ a: true, b: 1 }, place);
  expect(faultIn(check, undefined)).toBe("b: expected a boolean");
});

test("a list reports each item at fault by its index", () => {
  expect(faultIn(list(boolean), [true, 1, false, "x"])).toBe(
    "1: expected a boolean; 3: expected a boolean",
  );
  expect(faultIn(filledList(boolean), [])).toBe("expected a list with at least one item");
  expect(read(filledList(boolean), [true])).toEqual([true]);
});

test("a record does not show a name that is not allowed", () => {
  const check = record(/^[a-z]+$/, boolean);
  expect(read(check, { a: true })).toEqual({ a: true });
  expect(faultIn(check, { "not allowed": true, b: 1 })).toBe(
    "has a name that is not allowed; b: expected a boolean",
  );
  expect(faultIn(check, JSON.parse('{"__proto__":true}'))).toBe("has a name that is not allowed");
});

test("a rule sees only a value whose parts are valid", () => {
  const range = refined(object({ from: integer(0, 9), to: integer(0, 9) }), ({ from, to }, at) => {
    if (from > to) at.at("to").reject("value_error", "expected at least from");
  });
  expect(faultIn(range, { from: 2, to: 1 })).toBe("to: expected at least from");
  expect(faultIn(range, { from: 2, to: "1" })).toBe("to: expected a whole number, 0 to 9");
});

test("a variant is checked by its tag", () => {
  const shape = variant<{ readonly as: string }>("as", {
    circle: object({ as: oneOf(["circle"]), radius: integer(0, 9) }),
    point: object({ as: oneOf(["point"]) }),
  });
  expect(read(shape, { as: "point" })).toEqual({ as: "point" });
  expect(faultIn(shape, { as: "circle" })).toBe("radius: required");
  expect(faultIn(shape, { as: "toString" })).toBe("as: expected one of circle, point");
  expect(faultIn(shape, {})).toBe("as: required");
});

test.each([
  ["2026-01-01T12:00:00Z", Date.UTC(2026, 0, 1, 12)],
  ["2026-01-01T12:00:00.123456Z", Date.UTC(2026, 0, 1, 12, 0, 0, 123)],
  [new Date(8.64e15).toISOString(), 8.64e15],
])("the instant %s", (text, instantMs) => {
  expect(read(instant, text)).toBe(instantMs);
});

test.each(["2026-01-01", "2026-13-01T12:00:00Z", "2026-01-01T12:00:00+01:00", 1_767_268_800_000])(
  "%j is no instant",
  (value) => {
    expect(faultIn(instant, value)).toBe("expected an ISO 8601 instant in UTC");
  },
);

test("JSON that cannot be parsed is a fault, without the parser's message", () => {
  expect(read(json(boolean), "true")).toBe(true);
  expect(faultIn(json(boolean), "canary")).toBe("expected JSON");
});
