/**
 * One fault of a request, in the shape of the API's `ValidationError`. `type` is one of pydantic's:
 * clients of this API family know them. https://docs.pydantic.dev/latest/errors/validation_errors/
 */
export interface Fault {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: FaultType;
}

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
  | "value_error";

/** A request that cannot be read. Holds every fault, and no value of the caller's. */
export class InvalidRequest extends Error {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(faults.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; "));
    this.name = "InvalidRequest";
    this.faults = faults;
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const notAnObject = (loc: Fault["loc"]): Fault => ({
  loc,
  msg: "Input should be a valid dictionary or object to extract fields from",
  type: "model_attributes_type",
});

export function identifierFault(value: unknown, loc: Fault["loc"]): Fault {
  return value === undefined
    ? { loc, msg: "Field required", type: "missing" }
    : {
        loc,
        msg: "String should match pattern '^[A-Za-z0-9_-]{1,128}$'",
        type: "string_pattern_mismatch",
      };
}
