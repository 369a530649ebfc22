import type { Fault, FaultType } from "../validation/check.ts";

/** One fault of a request, in the shape of the API's `ValidationError`. */
export interface ValidationError {
  readonly loc: Fault["path"];
  readonly msg: string;
  readonly type: FaultType;
}

/** A request that cannot be read. Holds every fault, and no value of the caller's. */
export class InvalidRequest extends Error {
  readonly faults: readonly ValidationError[];

  constructor(found: readonly Fault[]) {
    const faults = found.map(validationError);
    super(faults.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; "));
    this.name = "InvalidRequest";
    this.faults = faults;
  }
}

const validationError = (fault: Fault): ValidationError => ({
  loc: fault.path,
  msg: messages[fault.type](fault),
  type: fault.type,
});

/** Pydantic's sentences, which clients of this API family know. */
const messages: Readonly<Record<FaultType, (fault: Fault) => string>> = {
  bool_type: () => "Input should be a valid boolean",
  extra_forbidden: () => "Extra inputs are not permitted",
  greater_than_equal: ({ limit }) => `Input should be greater than or equal to ${limit}`,
  int_from_float: () => "Input should be a valid integer, got a number with a fractional part",
  int_type: () => "Input should be a valid integer",
  json_invalid: () => "JSON decode error",
  less_than_equal: ({ limit }) => `Input should be less than or equal to ${limit}`,
  missing: () => "Field required",
  model_attributes_type: () =>
    "Input should be a valid dictionary or object to extract fields from",
  string_pattern_mismatch: ({ limit }) => `String should match pattern '${limit}'`,
  string_too_long: ({ limit }) => `String should have at most ${limit} characters`,
  string_type: () => "Input should be a valid string",
  value_error: ({ text }) => `Value error, ${text}`,
};
