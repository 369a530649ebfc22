export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads one value, or an object of them. @throws {InvalidEnvironment} */
export type Read<Value> = (environment: Environment) => Value;

/** One variable of the environment. An empty one is an absent one. */
export interface Variable<Value> {
  readonly name: string;
  /** Completes "expected …". */
  readonly expected: string;
  /** Undefined: the text is not as expected. */
  readonly parse: (text: string, environment: Environment) => Value | undefined;
}

/** Every variable at fault, so that one deployment mends them all. No value is quoted. */
class InvalidEnvironment extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`invalid environment: ${faults.join("; ")}`);
    this.name = "InvalidEnvironment";
    this.faults = faults;
  }
}

export const optional =
  <Value>({ name, expected, parse }: Variable<Value>): Read<Value | undefined> =>
  (environment) => {
    const text = environment[name];
    if (!text) return undefined;
    const value = parse(text, environment);
    if (value === undefined) throw new InvalidEnvironment([`${name}: expected ${expected}`]);
    return value;
  };

export const required =
  <Value>(variable: Variable<Value>): Read<Value> =>
  (environment) => {
    const value = optional(variable)(environment);
    if (value === undefined) throw new InvalidEnvironment([`${variable.name} is missing`]);
    return value;
  };

export const withDefault =
  <Value>(variable: Variable<Value>, byDefault: Value): Read<Value> =>
  (environment) =>
    optional(variable)(environment) ?? byDefault;

/** Undefined where none of the variables is set. */
export const whereAnyIsSet =
  <Value>(names: readonly string[], read: Read<Value>): Read<Value | undefined> =>
  (environment) =>
    names.some((name) => environment[name]) ? read(environment) : undefined;

type Members = Readonly<Record<string, Read<unknown>>>;
type Values<M extends Members> = { readonly [Name in keyof M]: ReturnType<M[Name]> };

/** An object of what its members read. The faults of all members are one error. */
export const object =
  <M extends Members>(members: M): Read<Values<M>> =>
  (environment) => {
    const faults: string[] = [];
    const values: Record<string, unknown> = {};
    for (const [name, read] of Object.entries(members)) {
      try {
        values[name] = read(environment);
      } catch (error) {
        if (!(error instanceof InvalidEnvironment)) throw error;
        faults.push(...error.faults);
      }
    }
    if (faults.length > 0) throw new InvalidEnvironment(faults);
    return values as Values<M>;
  };
