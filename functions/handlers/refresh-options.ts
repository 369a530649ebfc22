import { type Fault, isObject, notAnObject } from "./faults.ts";

/** What a caller may ask of a refresh. */
export interface RefreshOptions {
  readonly minTtlSeconds: number | undefined;
  readonly force: boolean | undefined;
}

const maximumMinTtlSeconds = 31_536_000;

/**
 * Reads `min_ttl_seconds` (0 to a year) or `force` from an object that may have no other members but
 * those that are named. Faults go to `faults`; with any, what is returned is of no use.
 */
export function readOptions(
  value: unknown,
  loc: Fault["loc"],
  faults: Fault[],
  otherNames: readonly string[] = [],
): RefreshOptions {
  if (!isObject(value)) {
    faults.push(notAnObject(loc));
    return { minTtlSeconds: undefined, force: undefined };
  }
  const known = ["min_ttl_seconds", "force", ...otherNames];
  for (const name of Object.keys(value).filter((key) => !known.includes(key))) {
    faults.push({
      loc: [...loc, name],
      msg: "Extra inputs are not permitted",
      type: "extra_forbidden",
    });
  }
  const minTtlSeconds = readMinTtlSeconds(value.min_ttl_seconds, loc, faults);
  const force = readForce(value.force, loc, faults);
  if (minTtlSeconds !== undefined && force) {
    faults.push({
      loc,
      msg: "Value error, min_ttl_seconds and force exclude each other",
      type: "value_error",
    });
  }
  return { minTtlSeconds, force };
}

function readMinTtlSeconds(
  value: unknown,
  parent: Fault["loc"],
  faults: Fault[],
): number | undefined {
  if (value === undefined) return undefined;
  const fault = minTtlFault(value);
  if (fault === undefined) return Number(value);
  faults.push({ loc: [...parent, "min_ttl_seconds"], ...fault });
  return undefined;
}

function minTtlFault(value: unknown): Omit<Fault, "loc"> | undefined {
  if (typeof value !== "number") {
    return { msg: "Input should be a valid integer", type: "int_type" };
  }
  if (value < 0) {
    return { msg: "Input should be greater than or equal to 0", type: "greater_than_equal" };
  }
  if (value > maximumMinTtlSeconds) {
    return {
      msg: `Input should be less than or equal to ${maximumMinTtlSeconds}`,
      type: "less_than_equal",
    };
  }
  if (!Number.isInteger(value)) {
    return {
      msg: "Input should be a valid integer, got a number with a fractional part",
      type: "int_from_float",
    };
  }
  return undefined;
}

function readForce(value: unknown, parent: Fault["loc"], faults: Fault[]): boolean | undefined {
  if (value === undefined || typeof value === "boolean") return value;
  faults.push({
    loc: [...parent, "force"],
    msg: "Input should be a valid boolean",
    type: "bool_type",
  });
  return undefined;
}
