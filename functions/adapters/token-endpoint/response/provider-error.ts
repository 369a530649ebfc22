import { linearPattern, maximumTextLength } from "../../provider-catalogue/linear-pattern.ts";
import type { ErrorRule, ProviderBehaviour } from "../../provider-catalogue/provider-entry.ts";
import { valueAt } from "../../provider-catalogue/stated-values.ts";
import type { Members } from "./token-response-body.ts";

/** The error that a response states, as sent. For decisions; it may hold secrets and is not shown. */
export interface ProviderError {
  /** Undefined: the response names no error. */
  readonly code: string | undefined;
  readonly text: string | undefined;
}

/** At the provider's places, or else at those of RFC 6749 §5.2. */
export function errorOf(
  response: Members,
  { errorAt = "error", errorTextAt = "error_description" }: ProviderBehaviour = {},
): ProviderError {
  return {
    code: codeOf(valueAt(response, errorAt)) ?? codeOf(valueAt(response, "error")),
    text: textOf(valueAt(response, errorTextAt)) ?? textOf(valueAt(response, "error_description")),
  };
}

/** Some servers send 0 where there is no error. */
const codeOf = (value: unknown): string | undefined =>
  typeof value === "number" && value !== 0 ? String(value) : textOf(value);

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value.trim() !== "" ? value : undefined;

/** The first of the provider's rules that matches a response without tokens. */
export const ruleFor = (
  status: number,
  error: ProviderError,
  { errors = [] }: ProviderBehaviour,
): ErrorRule | undefined => errors.find((rule) => matches(rule, status, error));

/** A 5xx is the server's own failure: only a rule for such a status matches it. */
function matches(rule: ErrorRule, status: number, { code, text }: ProviderError): boolean {
  const tried = text?.slice(0, maximumTextLength).toLowerCase();
  return (
    (rule.status?.includes(status) ?? status < 500) &&
    (rule.error === undefined || rule.error === code) &&
    (rule.text === undefined || (tried?.includes(rule.text.toLowerCase()) ?? false)) &&
    (rule.textPattern === undefined ||
      (tried !== undefined && linearPattern(rule.textPattern, { ignoreCase: true }).test(tried)))
  );
}

/** The provider's flag reports a failure, whatever the status. */
export const isFlaggedAsFailure = (
  response: Members,
  { failureFlag }: ProviderBehaviour,
): boolean => failureFlag !== undefined && valueAt(response, failureFlag.at) === failureFlag.is;
