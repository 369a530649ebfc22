import { type Check, type Fault, faultsText, validated } from "../../functions/validation/check.ts";
import { string } from "../../functions/validation/values.ts";
import { AwsError, type AwsJson } from "./aws-json-server.ts";

/** The error codes of a service. */
export interface ParameterErrors {
  readonly missing: string;
  readonly invalid: string;
}

export type ReadParameters = <Value>(check: Check<Value>, input: AwsJson) => Value;

/** Reads the parameters of requests. A fault is the service's error, whose message holds no value. */
export const parameterReader =
  (codes: ParameterErrors): ReadParameters =>
  (check, input) =>
    validated(
      check,
      input,
      (faults) => new AwsError(codeOf(faults[0], codes), `${faultsText(faults)}.`),
    );

function codeOf(fault: Fault | undefined, { missing, invalid }: ParameterErrors): string {
  switch (fault?.type) {
    case "missing":
      return missing;
    case "string_type":
    case "model_attributes_type":
      return "SerializationException";
    default:
      return invalid;
  }
}

/** A parameter that may be neither absent nor empty. */
export const text: Check<string> = (value, place) =>
  value === null || value === "" ? place.reject("missing", "required") : string(value, place);
