/** A setting of a deployment: what the CDK's context may hold for it, and what `docs/configuration.md` says of it. */
export interface Setting<Value> {
  /** In Markdown. */
  readonly meaning: string;
  /** The variable of the functions' environment that follows from it. @default none */
  readonly variable?: string;
  readonly default: Value;
  /** Replaces a default that is not known here, in Markdown. */
  readonly defaultText?: string;
  /** Completes "expected …". */
  readonly expected: string;
  /** `-c` gives texts, cdk.json any type. Undefined: the value is not as expected. */
  readonly parse: (value: unknown) => Value | undefined;
}

type Stated<Value> = Omit<Setting<Value>, "meaning" | "expected" | "parse">;

export const flag = (meaning: string, stated: Stated<boolean>): Setting<boolean> => ({
  ...stated,
  meaning,
  expected: "true or false",
  parse: (value) => [true, false].find((one) => String(one) === String(value)),
});

interface Range {
  readonly minimum: number;
  readonly maximum: number;
  readonly unit: string;
}

export const integer = <Default extends number | undefined>(
  meaning: string,
  { minimum, maximum, unit, ...stated }: Stated<Default> & Range,
): Setting<number | Default> => ({
  ...stated,
  meaning,
  expected: `a whole number, ${minimum} to ${maximum} ${unit}`,
  parse(value) {
    const number = typeof value === "string" ? Number(value) : value;
    if (typeof number !== "number" || !Number.isInteger(number)) return undefined;
    return number >= minimum && number <= maximum ? number : undefined;
  },
});

export const oneOf = <Value extends string | number>(
  meaning: string,
  { values, ...stated }: Stated<NoInfer<Value>> & { readonly values: readonly Value[] },
): Setting<Value> => ({
  ...stated,
  meaning,
  expected: `one of ${values.join(", ")}`,
  parse: (value) => values.find((one) => String(one) === String(value)),
});

interface Pattern {
  readonly pattern: RegExp;
  /** Completes "expected …". */
  readonly expected: string;
}

export const text = <Default extends string | undefined>(
  meaning: string,
  { pattern, ...stated }: Stated<Default> & Pattern,
): Setting<string | Default> => ({
  ...stated,
  meaning,
  parse: (value) => (typeof value === "string" && pattern.test(value) ? value : undefined),
});
