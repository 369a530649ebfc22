/**
 * Reads a value that comes from outside: from a request, a message, a secret, a stored item or a file.
 * Returns the value with its type, or reports at its place every fault that it finds.
 */
export type Check<Value> = (value: unknown, place: Place) => Value | Invalid;

/** The type of the values that a check returns. */
export type Checked<C> = C extends Check<infer Value> ? Value : never;

/** The result of a check that has reported a fault. */
export const invalid: unique symbol = Symbol("invalid");
export type Invalid = typeof invalid;

/** One fault of a value. It names the place and the expected form, and never holds the value: that may be a secret. */
export interface Fault {
  /** Names of members and indices of items, from the outermost value. */
  readonly path: readonly (string | number)[];
  readonly type: FaultType;
  /** For an operator: `expected a whole number`. */
  readonly text: string;
  /** The bound or the pattern that the value does not keep to. */
  readonly limit?: number | string | undefined;
}

/**
 * The kinds of faults that pydantic has, because the HTTP API reports them under pydantic's names.
 * `value_error` is any other. https://docs.pydantic.dev/latest/errors/validation_errors/
 */
export type FaultType =
  | "bool_type"
  | "extra_forbidden"
  | "greater_than_equal"
  | "int_from_float"
  | "int_type"
  | "json_invalid"
  | "less_than_equal"
  | "missing"
  | "model_attributes_type"
  | "string_pattern_mismatch"
  | "string_too_long"
  | "string_type"
  | "value_error";

/** The place of a value in the whole that is checked, and the faults of that whole. */
export class Place {
  readonly path: Fault["path"];
  readonly #faults: Fault[];

  constructor(faults: Fault[], path: Fault["path"] = []) {
    this.#faults = faults;
    this.path = path;
  }

  /** The place of a member or an item of the value that stands here. */
  at(name: string | number): Place {
    return new Place(this.#faults, [...this.path, name]);
  }

  /** Reports a fault of the value that stands here. */
  reject(type: FaultType, text: string, limit?: Fault["limit"]): Invalid {
    this.#faults.push({ path: this.path, type, text, limit });
    return invalid;
  }
}

/**
 * @param at the place of the value, where it is a part of something larger @default the whole
 * @throws the error that `toError` makes of the faults: all of them, in the order of the checks
 */
export function validated<Value>(
  check: Check<Value>,
  value: unknown,
  toError: (faults: readonly Fault[]) => Error,
  at: Fault["path"] = [],
): Value {
  const faults: Fault[] = [];
  const checked = check(value, new Place(faults, at));
  if (faults.length > 0 || checked === invalid) throw toError(faults);
  return checked;
}

/** Undefined: the check reports a fault. */
export function valueIfValid<Value>(check: Check<Value>, value: unknown): Value | undefined {
  const faults: Fault[] = [];
  const checked = check(value, new Place(faults));
  return faults.length > 0 || checked === invalid ? undefined : checked;
}

export function faultsOf(check: Check<unknown>, value: unknown): readonly Fault[] {
  const faults: Fault[] = [];
  check(value, new Place(faults));
  return faults;
}

/** `connection_id: expected an identifier; refresh_at: required`. */
export const faultsText = (faults: readonly Fault[]): string => faults.map(faultText).join("; ");

const faultText = ({ path, text }: Fault): string =>
  path.length === 0 ? text : `${path.join(".")}: ${text}`;
