import { linearPattern, maximumTextLength } from "../../provider-catalogue/linear-pattern.ts";
import type { ErrorRule, ProviderBehaviour } from "../../provider-catalogue/provider-entry.ts";
import { valueAt } from "../../provider-catalogue/stated-values.ts";
import type { Members } from "./token-response-body.ts";

/** What an answer says of an error, as sent: for decisions, not to be shown. */
export interface ProviderError {
  /** Undefined: the answer names no error. */
  readonly code: string | undefined;
  readonly text: string | undefined;
}

/** At the provider's places, or else at those of RFC 6749 §5.2. */
export function errorOf(
  answer: Members,
  { errorAt = "error", errorTextAt = "error_description" }: ProviderBehaviour = {},
): ProviderError {
  return {
    code: codeOf(valueAt(answer, errorAt)) ?? codeOf(valueAt(answer, "error")),
    text: textOf(valueAt(answer, errorTextAt)) ?? textOf(valueAt(answer, "error_description")),
  };
}

/** 0 is how some say that there is none. */
const codeOf = (value: unknown): string | undefined =>
  typeof value === "number" && value !== 0 ? String(value) : textOf(value);

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value.trim() !== "" ? value : undefined;

/** The first rule of the provider that fits an answer without tokens. */
export const ruleFor = (
  status: number,
  error: ProviderError,
  { errors = [] }: ProviderBehaviour,
): ErrorRule | undefined => errors.find((rule) => fits(rule, status, error));

/** With 5xx the server says that it failed itself: not believed, unless the rule is about such a status. */
function fits(rule: ErrorRule, status: number, { code, text }: ProviderError): boolean {
  const tried = text?.slice(0, maximumTextLength).toLowerCase();
  return (
    (rule.status?.includes(status) ?? status < 500) &&
    (rule.error === undefined || rule.error === code) &&
    (rule.text === undefined || (tried?.includes(rule.text.toLowerCase()) ?? false)) &&
    (rule.textPattern === undefined ||
      (tried !== undefined && linearPattern(rule.textPattern, { ignoreCase: true }).test(tried)))
  );
}

/** By what this provider means failure, whatever the status. */
export const isFlaggedAsFailure = (answer: Members, { failureFlag }: ProviderBehaviour): boolean =>
  failureFlag !== undefined && valueAt(answer, failureFlag.at) === failureFlag.is;
