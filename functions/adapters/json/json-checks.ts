/**
 * Reads one JSON value, and notes every fault of it under the name of the member that it stands in.
 * What comes back is right, or is undefined and there is a fault. A fault holds no value.
 */
export type Check<Value> = (value: unknown, at: string, faults: string[]) => Value | undefined;

export const matching =
  (form: RegExp, expected: string): Check<string> =>
  (value, at, faults) => {
    if (typeof value === "string" && form.test(value)) return value;
    faults.push(`${at}: has to be ${typeof value === "string" ? expected : "a string"}`);
    return undefined;
  };

export const wholeNumber =
  (minimum: number, maximum: number, expected: string): Check<number> =>
  (value, at, faults) => {
    const isWhole = typeof value === "number" && Number.isSafeInteger(value);
    if (isWhole && value >= minimum && value <= maximum) return value;
    faults.push(`${at}: has to be ${expected}`);
    return undefined;
  };

export const oneOf =
  <const Choice>(choices: readonly Choice[]): Check<Choice> =>
  (value, at, faults) => {
    const chosen = choices.find((choice) => choice === value);
    if (chosen === undefined) faults.push(`${at}: has to be one of ${choices.join(", ")}`);
    return chosen;
  };

export const filledList =
  <Item>(check: Check<Item>): Check<readonly [Item, ...Item[]]> =>
  (value, at, faults) => {
    if (!Array.isArray(value) || value.length === 0) {
      faults.push(`${at}: has to be a list with something in it`);
      return undefined;
    }
    const items = value.flatMap((item, i) => {
      const checked = check(item, `${at}.${i}`, faults);
      return checked === undefined ? [] : [checked];
    });
    const [first, ...others] = items;
    return first === undefined ? undefined : [first, ...others];
  };

/** Names of the sender's own, each with a value. */
export const namedValues =
  <Value>(nameForm: RegExp, check: Check<Value>): Check<Readonly<Record<string, Value>>> =>
  (value, at, faults) => {
    if (!isJsonObject(value)) {
      faults.push(`${at}: has to be an object`);
      return undefined;
    }
    const checked = Object.entries(value).map(([name, inner]): [string, Value | undefined] => {
      if (nameForm.test(name) && name !== "__proto__") {
        return [name, check(inner, `${at}.${name}`, faults)];
      }
      faults.push(`${at}: has a name that cannot be one`);
      return [name, undefined];
    });
    return Object.fromEntries(
      checked.filter((entry): entry is [string, Value] => entry[1] !== undefined),
    );
  };

export type Checks<Shape> = { readonly [Name in keyof Required<Shape>]: Check<Shape[Name]> };

/** Members with names that are known, in snake_case as JSON has them; any other is a fault. */
export const members =
  <Shape extends object>(checks: Checks<Shape>): Check<Partial<Shape>> =>
  (value, at, faults) => {
    if (!isJsonObject(value)) {
      faults.push(`${at}: has to be an object`);
      return undefined;
    }
    const names = Object.keys(checks) as (keyof Shape & string)[];
    const unknown = Object.keys(value).filter((name) => !names.map(snakeCase).includes(name));
    if (unknown.length > 0) {
      faults.push(`${at}: may have no members but ${names.map(snakeCase).join(", ")}`);
    }
    return knownMembers(checks, value, (name) => `${at}.${name}`, faults);
  };

/** Of an object that may hold other members, those that are known and there. */
export function knownMembers<Shape extends object>(
  checks: Checks<Shape>,
  value: Readonly<Record<string, unknown>>,
  at: (name: string) => string,
  faults: string[],
): Partial<Shape> {
  const known: Partial<Shape> = {};
  for (const field of Object.keys(checks) as (keyof Shape & string)[]) {
    const name = snakeCase(field);
    if (!Object.hasOwn(value, name)) continue;
    const checked = checks[field](value[name], at(name), faults);
    if (checked !== undefined) known[field] = checked;
  }
  return known;
}

export const isJsonObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `tokenEndpoint` as JSON has it: `token_endpoint`. */
export const snakeCase = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
