import {
  type Check,
  filledList,
  matching,
  members,
  oneOf,
  snakeCase,
  wholeNumber,
} from "../json/json-checks.ts";
import type {
  ErrorRule,
  ParameterValue,
  ProviderBehaviour,
  TokenEnd,
  UrlVariable,
} from "./provider-entry.ts";

/** `1*VSCHAR`: RFC 6749 Appendix A. */
export const visible = matching(/^[\x20-\x7e]+$/, "printable ASCII characters");
export const memberName = matching(/^[^.\p{Cc}]{1,128}$/u, "the name of a member");
export const memberPath = matching(/^[^\p{Cc}]{1,256}$/u, "names of members, between dots");
export const aboveZero = wholeNumber(1, Number.MAX_SAFE_INTEGER, "a whole number above 0");
export const zeroOrMore = wholeNumber(0, Number.MAX_SAFE_INTEGER, "a whole number");
export const status = wholeNumber(100, 999, "an HTTP status");

const pattern: Check<string> = (value, at, faults) => {
  try {
    if (typeof value === "string") new RegExp(value);
    if (typeof value === "string" && value !== "") return value;
  } catch {
    // Falls through to the fault.
  }
  faults.push(`${at}: has to be the source of a regular expression`);
  return undefined;
};

export const urlVariable: Check<UrlVariable> = (value, at, faults) => {
  const before = faults.length;
  const variable = members<{
    choices?: readonly [string, ...string[]];
    pattern?: string;
    example?: string;
    setBy?: "connection" | "integration";
    default?: string;
  }>({
    choices: filledList(matching(/^[\w.-]{1,128}$/, "1 to 128 of A-Z a-z 0-9 _ . -")),
    pattern,
    example: visible,
    setBy: oneOf(["connection", "integration"]),
    default: visible,
  })(value, at, faults);
  if (variable === undefined || faults.length > before) return undefined;
  const { choices, pattern: source, example, setBy, default: standard } = variable;
  const withDefault = standard === undefined ? {} : { default: standard };
  if (choices !== undefined && source === undefined && example === undefined && !setBy) {
    if (standard === undefined || choices.includes(standard)) return { choices, ...withDefault };
    faults.push(`${at}.default: has to be one of the choices`);
    return undefined;
  }
  if (choices !== undefined || source === undefined || example === undefined) {
    faults.push(`${at}: has to have either choices, or a pattern and an example`);
    return undefined;
  }
  if (!/^\^.*\$$/s.test(source)) faults.push(`${at}.pattern: has to begin with ^ and end with $`);
  for (const [name, text] of Object.entries({ example, ...withDefault })) {
    if (!new RegExp(source).test(text)) faults.push(`${at}.${name}: has to fit the pattern`);
  }
  return { pattern: source, example, ...(setBy && { setBy }), ...withDefault };
};

export const parameterValue: Check<ParameterValue> = (value, at, faults) => {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  const before = faults.length;
  const stated = members<{ from: string; required?: boolean }>({
    from: matching(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, "the name of a value of the config"),
    required: oneOf([true, false]),
  })(value, at, faults);
  if (stated?.from === undefined) {
    if (faults.length === before) faults.push(`${at}.from: required`);
    return undefined;
  }
  const { from, required } = stated;
  return required === undefined ? { from } : { from, required };
};

const customForms = ["seconds", "milliseconds"] as const;
const instantForms = ["epoch_seconds", "epoch_milliseconds", "iso_8601"] as const;
const formsWithoutMember = ["jwt_exp", "fixed", "never"] as const;

export const tokenEnd: Check<TokenEnd> = (value, at, faults) => {
  const before = faults.length;
  const { as, member } =
    members<{ as: TokenEnd["as"]; member?: string }>({
      as: oneOf([...customForms, ...instantForms, ...formsWithoutMember]),
      member: memberName,
    })(value, at, faults) ?? {};
  if (faults.length > before) return undefined;
  if (as === undefined) {
    faults.push(`${at}.as: required`);
    return undefined;
  }
  const form = formsWithoutMember.find((one) => one === as);
  if (form !== undefined) {
    if (member !== undefined) faults.push(`${at}.member: has no meaning beside ${form}`);
    return { as: form };
  }
  if (member === undefined) faults.push(`${at}.member: required`);
  return { as, member } as TokenEnd;
};

export const errorRule: Check<ErrorRule> = (value, at, faults) => {
  const before = faults.length;
  const rule = members<{
    means: ErrorRule["means"];
    status?: readonly [number, ...number[]];
    error?: string;
    text?: string;
    textPattern?: string;
    retryAfterSeconds?: number;
    concerns?: "connection" | "integration";
  }>({
    means: oneOf(["dead", "transient", "rate_limited", "client_rejected"]),
    status: filledList(status),
    error: visible,
    text: visible,
    textPattern: pattern,
    retryAfterSeconds: aboveZero,
    concerns: oneOf(["connection", "integration"]),
  })(value, at, faults);
  if (rule === undefined || faults.length > before) return undefined;
  if (rule.means === undefined) faults.push(`${at}.means: required`);
  const hasWords = [rule.error, rule.text, rule.textPattern].some((words) => words !== undefined);
  if (!hasWords && (rule.means === "dead" || rule.status === undefined)) {
    faults.push(`${at}: has to state the error, its text or a text_pattern`);
  }
  const waits = rule.means === "transient" || rule.means === "rate_limited";
  for (const field of ["retryAfterSeconds", "concerns"] as const) {
    if (rule[field] === undefined || waits) continue;
    faults.push(`${at}.${snakeCase(field)}: has no meaning beside ${rule.means}`);
  }
  return faults.length > before ? undefined : (rule as ErrorRule);
};

export const failureFlag: Check<NonNullable<ProviderBehaviour["failureFlag"]>> = (
  value,
  at,
  faults,
) => {
  const before = faults.length;
  const { at: path, is } =
    members<{ at: string; is: string | number | boolean }>({ at: memberPath, is: scalar })(
      value,
      at,
      faults,
    ) ?? {};
  if (faults.length > before) return undefined;
  if (path === undefined || is === undefined) {
    faults.push(`${at}: has to have at and is`);
    return undefined;
  }
  return { at: path, is };
};

const scalar: Check<string | number | boolean> = (value, at, faults) => {
  if (["string", "number", "boolean"].includes(typeof value)) return value as string;
  faults.push(`${at}: has to be a string, a number or a boolean`);
  return undefined;
};
