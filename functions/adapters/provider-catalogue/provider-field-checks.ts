import { type Check, invalid } from "../../validation/check.ts";
import {
  anyObject,
  type Checks,
  filledList,
  narrowed,
  object,
  optional,
  refined,
  variant,
} from "../../validation/structures.ts";
import { boolean, integer, matching, oneOf, satisfying, string } from "../../validation/values.ts";
import { linearPattern } from "./linear-pattern.ts";
import { LinearPatternError } from "./linear-pattern-syntax.ts";
import type {
  AnyOf,
  ErrorConditions,
  ErrorRule,
  ParameterValue,
  ProviderBehaviour,
  TokenEnd,
  UrlVariable,
} from "./provider-entry.ts";
import { snakeCase } from "./snake-case.ts";

/** `1*VSCHAR`: RFC 6749 Appendix A. */
export const visible = matching(/^[\x20-\x7e]+$/, "printable ASCII characters");
export const memberName = matching(/^[^.\p{Cc}]{1,128}$/u, "the name of a member");
export const memberPath = matching(/^[^\p{Cc}]{1,256}$/u, "names of members, between dots");
export const aboveZero = integer(1, Number.MAX_SAFE_INTEGER, "a whole number above 0");
export const status = integer(100, 999, "an HTTP status");

const fields = <C extends Checks>(checks: C) =>
  object(checks, { nameOf: snakeCase, others: "refused" });

const regularExpression: Check<string> = (value, place) => {
  const source = string(value, place);
  if (source === invalid) return invalid;
  if (source === "") return place.reject("value_error", "expected a regular expression");
  try {
    linearPattern(source);
    return source;
  } catch (error) {
    if (!(error instanceof LinearPatternError)) throw error;
    return place.reject("value_error", `expected a regular expression: this one ${error.message}`);
  }
};

const choiceVariable = refined(
  fields({
    choices: filledList(matching(/^[\w.-]{1,128}$/, "1 to 128 of A-Z a-z 0-9 _ . -")),
    default: optional(visible),
  }),
  ({ choices, default: byDefault }, place) => {
    if (byDefault === undefined || choices.includes(byDefault)) return;
    place.at("default").reject("value_error", "expected one of the choices");
  },
);

const patternVariable = refined(
  fields({
    pattern: regularExpression,
    example: visible,
    setBy: optional(oneOf(["connection", "integration"])),
    default: optional(visible),
  }),
  ({ pattern, example, default: byDefault }, place) => {
    if (!/^\^.*\$$/s.test(pattern)) {
      place.at("pattern").reject("value_error", "expected ^ at its beginning and $ at its end");
    }
    for (const [name, text] of Object.entries({ example, default: byDefault })) {
      if (text === undefined || linearPattern(pattern).test(text)) continue;
      place.at(name).reject("value_error", "expected a value that fits the pattern");
    }
  },
);

export const urlVariable: Check<UrlVariable> = (value, place) => {
  const variable = anyObject(value, place);
  if (variable === invalid) return invalid;
  if (variable.choices !== undefined) return choiceVariable(variable, place);
  if (variable.pattern !== undefined) return patternVariable(variable, place);
  return place.reject("missing", "expected either choices, or a pattern and an example");
};

type Scalar = string | number | boolean;

const isScalar = (value: unknown): value is Scalar =>
  ["string", "number", "boolean"].includes(typeof value);

const configReference = fields({
  from: matching(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, "the name of a value of the config"),
  required: optional(boolean),
});

export const parameterValue: Check<ParameterValue> = (value, place) =>
  isScalar(value) || value === null ? value : configReference(value, place);

export const failureFlag: Check<NonNullable<ProviderBehaviour["failureFlag"]>> = fields({
  at: memberPath,
  is: satisfying(isScalar, "a string, a number or a boolean"),
});

/** A member of another variant. */
const unusedWith =
  (tag: string): Check<undefined> =>
  (value, place) =>
    value === undefined ? undefined : place.reject("extra_forbidden", `is not used with ${tag}`);

const endInMember = <const As extends string>(as: As) =>
  fields({ as: oneOf([as]), member: memberName });
const endWithoutMember = <const As extends string>(as: As) =>
  fields({ as: oneOf([as]), member: unusedWith(as) });

export const tokenEnd = variant<TokenEnd>("as", {
  seconds: endInMember("seconds"),
  milliseconds: endInMember("milliseconds"),
  epoch_seconds: endInMember("epoch_seconds"),
  epoch_milliseconds: endInMember("epoch_milliseconds"),
  iso_8601: endInMember("iso_8601"),
  jwt_exp: endWithoutMember("jwt_exp"),
  fixed: endWithoutMember("fixed"),
  never: endWithoutMember("never"),
});

const conditions = {
  status: optional(filledList(status)),
  error: optional(visible),
  text: optional(visible),
  textPattern: optional(regularExpression),
};
const wait = {
  retryAfterSeconds: optional(aboveZero),
  concerns: optional(oneOf(["connection", "integration"])),
};
const noWait = (means: string) => ({
  retryAfterSeconds: unusedWith(means),
  concerns: unusedWith(means),
});

const statesWords = <Rule extends ErrorConditions>(
  rule: Rule,
): rule is Rule & AnyOf<ErrorConditions, "error" | "text" | "textPattern"> =>
  (rule.error ?? rule.text ?? rule.textPattern) !== undefined;

const statesAny = <Rule extends ErrorConditions>(
  rule: Rule,
): rule is Rule & AnyOf<ErrorConditions, keyof ErrorConditions> =>
  rule.status !== undefined || statesWords(rule);

const errorRule = variant<ErrorRule>("means", {
  dead: narrowed(
    fields({ means: oneOf(["dead"]), ...conditions, ...noWait("dead") }),
    statesWords,
    "an error, a text or a text_pattern",
  ),
  transient: narrowed(
    fields({ means: oneOf(["transient"]), ...conditions, ...wait }),
    statesAny,
    "a status, an error, a text or a text_pattern",
  ),
  rate_limited: narrowed(
    fields({ means: oneOf(["rate_limited"]), ...conditions, ...wait }),
    statesAny,
    "a status, an error, a text or a text_pattern",
  ),
  client_rejected: narrowed(
    fields({ means: oneOf(["client_rejected"]), ...conditions, ...noWait("client_rejected") }),
    statesAny,
    "a status, an error, a text or a text_pattern",
  ),
});

/** Each rule may cost a search of the response with its pattern. */
const maximumErrorRules = 32;

export const errorRules = refined(filledList(errorRule), (rules, place) => {
  if (rules.length <= maximumErrorRules) return;
  place.reject("value_error", `expected at most ${maximumErrorRules} rules`);
});
