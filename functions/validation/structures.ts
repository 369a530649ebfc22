import { type Check, type Checked, faultsOf, invalid, type Place } from "./check.ts";
import { oneOf } from "./values.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** An object of JSON: neither null nor an array. */
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const anyObject: Check<JsonObject> = (value, place) =>
  isObject(value) ? value : place.reject("model_attributes_type", "expected an object");

export type Checks = Readonly<Record<string, Check<unknown>>>;

/** A check for each member of a shape. */
export type ChecksOf<Shape> = {
  readonly [Name in keyof Shape]-?: Check<Exclude<Shape[Name], undefined>>;
};

/** The members that checks return. A member may be absent where its check accepts undefined. */
export type Members<C extends Checks> = {
  readonly [Name in keyof C as undefined extends Checked<C[Name]> ? never : Name]: Checked<C[Name]>;
} & {
  readonly [Name in keyof C as undefined extends Checked<C[Name]> ? Name : never]?: Exclude<
    Checked<C[Name]>,
    undefined
  >;
};

export interface ObjectOptions {
  /** The name that a member has in the value. @default its own */
  readonly nameOf?: (member: string) => string;
  /**
   * Members without a check: left out, or a fault. `refused_by_name` shows their names, which are the sender's
   * and may hold anything: for a response to the sender alone. @default left_out
   */
  readonly others?: "left_out" | "refused" | "refused_by_name";
}

export const object =
  <C extends Checks>(checks: C, options: ObjectOptions = {}): Check<Members<C>> =>
  (value, place) => {
    const given = anyObject(value, place);
    if (given === invalid) return invalid;
    const { nameOf = itself, others = "left_out" } = options;
    if (others !== "left_out") refuse(others, given, Object.keys(checks).map(nameOf), place);
    const results = resultsOf(checks, given, place, nameOf);
    if (results.some(([, result]) => result === invalid)) return invalid;
    return membersOf<Members<C>>(results);
  };

/** Reads the valid members of an object. The others are left out, and reported unless they are absent. */
export const validMembers = <C extends Checks>(
  checks: C,
  nameOf: ObjectOptions["nameOf"] = itself,
) => {
  const entries = Object.entries(checks).map(([name, check]) => [name, optional(check)]);
  const optionalChecks: Checks = Object.fromEntries(entries);
  return (given: JsonObject, place: Place): Partial<Members<C>> => {
    const results = resultsOf(optionalChecks, given, place, nameOf);
    return membersOf(results.filter(([, result]) => result !== invalid));
  };
};

const itself = (name: string): string => name;

function refuse(
  others: "refused" | "refused_by_name",
  given: JsonObject,
  known: readonly string[],
  place: Place,
): void {
  const unknown = Object.keys(given).filter((name) => !known.includes(name));
  if (others === "refused_by_name") {
    for (const name of unknown) place.at(name).reject("extra_forbidden", "is not known");
  } else if (unknown.length > 0) {
    place.reject("extra_forbidden", `expected no members but ${known.join(", ")}`);
  }
}

type Results = readonly (readonly [member: string, result: unknown])[];

const resultsOf = (
  checks: Checks,
  given: JsonObject,
  place: Place,
  nameOf: (member: string) => string,
): Results =>
  Object.entries(checks).map(([member, check]) => {
    const name = nameOf(member);
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    return [member, required(check)(value, place.at(name))];
  });

const required =
  (check: Check<unknown>): Check<unknown> =>
  (value, place) =>
    value !== undefined || faultsOf(check, undefined).length === 0
      ? check(value, place)
      : place.reject("missing", "required");

/** The one place where the type is stated: each result comes from the check of its member. */
const membersOf = <Shape>(results: Results): Shape =>
  Object.fromEntries(results.filter(([, result]) => result !== undefined)) as Shape;

export const optional =
  <Value>(check: Check<Value>): Check<Value | undefined> =>
  (value, place) =>
    value === undefined ? undefined : check(value, place);

/** Null means the same as an absent value. */
export const nullish =
  <Value>(check: Check<Value>): Check<Value | undefined> =>
  (value, place) =>
    value === null ? undefined : optional(check)(value, place);

export const withDefault =
  <Value>(check: Check<Value>, byDefault: Value): Check<Value> =>
  (value, place) =>
    value === undefined ? byDefault : check(value, place);

/** A list with at least one item. */
export const filledList =
  <Item>(check: Check<Item>): Check<readonly [Item, ...Item[]]> =>
  (value, place) => {
    const items = list(check)(value, place);
    if (items === invalid) return invalid;
    const [first, ...others] = items;
    if (first !== undefined) return [first, ...others];
    return place.reject("value_error", "expected a list with at least one item");
  };

export const list =
  <Item>(check: Check<Item>): Check<readonly Item[]> =>
  (value, place) => {
    if (!Array.isArray(value)) return place.reject("value_error", "expected a list");
    const results = value.map((item: unknown, index) => check(item, place.at(index)));
    const items = results.flatMap((item) => (item === invalid ? [] : [item]));
    return items.length < results.length ? invalid : items;
  };

/** An object whose members have names of the sender's own. A name that does not have the form is not shown. */
export const record =
  <Value>(nameForm: RegExp, check: Check<Value>): Check<Readonly<Record<string, Value>>> =>
  (value, place) => {
    const given = anyObject(value, place);
    if (given === invalid) return invalid;
    const entries: [string, Value][] = [];
    const isName = (name: string): boolean => nameForm.test(name) && name !== "__proto__";
    if (!Object.keys(given).every(isName))
      place.reject("value_error", "has a name that is not allowed");
    for (const [name, member] of Object.entries(given).filter(([name]) => isName(name))) {
      const result = check(member, place.at(name));
      if (result !== invalid) entries.push([name, result]);
    }
    return Object.fromEntries(entries);
  };

/** Reports in `rule` what is wrong between the parts of a value that are valid by themselves. */
export const refined =
  <Value>(check: Check<Value>, rule: (value: Value, place: Place) => void): Check<Value> =>
  (value, place) => {
    const checked = check(value, place);
    if (checked !== invalid) rule(checked, place);
    return checked;
  };

/** @param expected completes "expected …" */
export const narrowed =
  <Value, Narrow extends Value>(
    check: Check<Value>,
    guard: (value: Value) => value is Narrow,
    expected: string,
  ): Check<Narrow> =>
  (value, place) => {
    const checked = check(value, place);
    if (checked === invalid) return invalid;
    if (guard(checked)) return checked;
    return place.reject("value_error", `expected ${expected}`);
  };

/** An object of one of several shapes, by the value of its member `tag`. */
export const variant =
  <Shape>(tag: string, shapes: Readonly<Record<string, Check<Shape>>>): Check<Shape> =>
  (value, place) => {
    const tagged = object({ [tag]: oneOf(Object.keys(shapes)) })(value, place);
    const shape = tagged === invalid ? undefined : shapes[tagged[tag] ?? ""];
    return shape === undefined ? invalid : shape(value, place);
  };

/** The value of a JSON text. The parser's message, which quotes the text, goes no further. */
export const json =
  <Value>(check: Check<Value>): Check<Value> =>
  (text, place) => {
    let value: unknown;
    try {
      value = JSON.parse(String(text));
    } catch {
      return place.reject("json_invalid", "expected JSON");
    }
    return check(value, place);
  };
