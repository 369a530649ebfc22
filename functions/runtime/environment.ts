import {
  type Check,
  type Fault,
  faultsText,
  type Invalid,
  invalid,
  type Place,
  validated,
} from "../validation/check.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads a value from one or several variables, or reports each fault at its variable's name. */
export type Read<Value> = (environment: Environment, place: Place) => Value | Invalid;

/** Names every variable at fault, so that one deployment mends them all. */
class InvalidEnvironment extends Error {
  constructor(faults: readonly Fault[]) {
    super(`invalid environment: ${faultsText(faults)}`);
    this.name = "InvalidEnvironment";
  }
}

/** An empty variable counts as absent. */
export const optional =
  <Value>(name: string, check: Check<Value>): Read<Value | undefined> =>
  (environment, place) =>
    environment[name] ? check(environment[name], place.at(name)) : undefined;

export const required =
  <Value>(name: string, check: Check<Value>): Read<Value> =>
  (environment, place) =>
    optional(name, check)(environment, place) ?? place.at(name).reject("missing", "required");

export const withDefault =
  <Value>(name: string, check: Check<Value>, byDefault: Value): Read<Value> =>
  (environment, place) =>
    optional(name, check)(environment, place) ?? byDefault;

/** Undefined where none of the variables is set. */
export const whereAnyIsSet =
  <Value>(names: readonly string[], read: Read<Value>): Read<Value | undefined> =>
  (environment, place) =>
    names.some((name) => environment[name]) ? read(environment, place) : undefined;

type Members = Readonly<Record<string, Read<unknown>>>;
type Values<M extends Members> = {
  readonly [Name in keyof M]: Exclude<ReturnType<M[Name]>, Invalid>;
};

export const object =
  <M extends Members>(members: M): Read<Values<M>> =>
  (environment, place) => {
    const values = Object.entries(members).map(
      ([name, read]) => [name, read(environment, place)] as const,
    );
    if (values.some(([, value]) => value === invalid)) return invalid;
    return Object.fromEntries(values) as Values<M>;
  };

/** Reads an object, or throws an {@link InvalidEnvironment} with all faults. */
export const config = <M extends Members>(
  members: M,
): ((environment: Environment) => Values<M>) => {
  const read = object(members);
  return (environment) =>
    validated(
      (_, place) => read(environment, place),
      environment,
      (faults) => new InvalidEnvironment(faults),
    );
};

/**
 * Parses the text of a variable.
 * @param expected completes "expected …"
 * @param parse undefined: the text is not as expected
 */
export const parsed =
  <Value extends {}>(expected: string, parse: (text: string) => Value | undefined): Check<Value> =>
  (value, place) =>
    parse(String(value)) ?? place.reject("value_error", `expected ${expected}`);
