import type { Secret } from "../../../domain/model/secret.ts";
import type { TokenResult } from "../../../domain/ports/token-endpoint.ts";
import type { HttpResponse } from "../../http/exchange.ts";
import { retryAfterMemberMs, retryAfterMs } from "../../http/retry-after.ts";
import type { ErrorRule, ProviderBehaviour } from "../../provider-catalogue/provider-entry.ts";
import { errorOf, type ProviderError, ruleFor } from "./provider-error.ts";
import { providerWords } from "./provider-words.ts";
import type { Members } from "./token-response-body.ts";

export interface ResponseWithoutTokens {
  readonly response: HttpResponse;
  /** The body. */
  readonly text: string;
  /** The body's members. Undefined: it is neither a JSON object nor a form. */
  readonly members: Members | undefined;
}

/**
 * The result of an error response: by the provider's own rules first, then by RFC 6749 §5.2. Undefined:
 * the response states no error that is known.
 */
export function errorResult(
  { response, text, members }: ResponseWithoutTokens,
  secrets: readonly Secret<string>[],
  provider: ProviderBehaviour,
): TokenResult | undefined {
  const { status, headers, receivedAtMs } = response;
  const error = errorOf(members ?? {}, provider);
  const { code: standardCode } = errorOf(members ?? {});
  const described = members === undefined ? { ...error, text: sentenceIn(text) } : error;
  const pauseMs = retryAfterMs(headers, receivedAtMs) ?? retryAfterMemberMs(members?.retry_after);
  const rule = ruleFor(status, described, provider);
  return (
    (rule && ruleResult(rule, { status, error: described, pauseMs }, secrets, provider)) ??
    pauseResult(status, error, pauseMs, provider) ??
    standardResult(response, error, secrets) ??
    standardResult(response, { ...error, code: standardCode }, secrets)
  );
}

/** A body that is one plain sentence. */
function sentenceIn(text: string): string | undefined {
  const sentence = text.trim();
  return /^[^<>{}[\]\p{Cc}]{1,200}$/u.test(sentence) ? sentence : undefined;
}

interface RuledError {
  readonly status: number;
  readonly error: ProviderError;
  readonly pauseMs: number | undefined;
}

/** The meaning that the provider's documentation gives to an error. */
function ruleResult(
  rule: ErrorRule,
  { status, error, pauseMs }: RuledError,
  secrets: readonly Secret<string>[],
  provider: ProviderBehaviour,
): TokenResult {
  const words = providerWords({ ...error, code: error.code ?? `status ${status}` }, secrets);
  const ruledMs = "retryAfterSeconds" in rule ? rule.retryAfterSeconds * 1000 : undefined;
  const pause = { retryAfterMs: pauseMs ?? ruledMs };
  const stated = "concerns" in rule ? rule.concerns : undefined;
  switch (rule.means) {
    case "dead":
      return { kind: "refused", ...words };
    case "client_rejected":
      return { kind: "client_rejected", ...words };
    case "rate_limited":
      return {
        kind: "rate_limited",
        ...pause,
        ...concerning(stated ?? provider.rateLimitConcerns),
      };
    case "transient":
      return stated === "connection"
        ? { kind: "unavailable", reason: refusedForNow, ...pause, ...concerning(stated), ...words }
        : { kind: "unavailable", reason: temporarilyUnavailable, ...pause, ...words };
  }
}

const concerning = (concerns: "connection" | "integration" | undefined) =>
  concerns === undefined ? {} : { concerns };

const refusedForNow = "the provider refuses this connection for now";
const temporarilyUnavailable = "the provider is temporarily unavailable";

/** Definite: a provider without capacity has granted nothing. 502 and 504 are a gateway's, and are not definite. */
function pauseResult(
  status: number,
  { code }: ProviderError,
  retryAfterMs: number | undefined,
  { rateLimitConcerns }: ProviderBehaviour,
): TokenResult | undefined {
  if (status === 429 || code === "slow_down") {
    return { kind: "rate_limited", ...concerning(rateLimitConcerns), retryAfterMs };
  }
  if (status === 503 || code === "temporarily_unavailable") {
    return { kind: "unavailable", reason: temporarilyUnavailable, retryAfterMs };
  }
  return undefined;
}

/**
 * RFC 6749 §5.2, by the provider's own word. The status says little: invalid_grant comes with 400 as in the
 * RFC, and with 401, 403 and even 200. A 5xx is the server's own failure, and its words do not count. The
 * body's error counts before a challenge beside it.
 */
function standardResult(
  { status, headers }: HttpResponse,
  error: ProviderError,
  secrets: readonly Secret<string>[],
): TokenResult | undefined {
  const code = error.code ?? impliedError(status, headers["www-authenticate"]);
  const isProvidersWord = (status >= 200 && status < 300) || (status >= 400 && status < 500);
  if (!isProvidersWord) return undefined;
  switch (code) {
    case "invalid_grant":
      return { kind: "refused", ...providerWords({ ...error, code }, secrets) };
    case "invalid_client":
    case "unauthorized_client":
      return { kind: "client_rejected", ...providerWords({ ...error, code }, secrets) };
    default:
      return undefined;
  }
}

/**
 * RFC 6749 §5.2: the response to a client whose authentication by header failed is a 401 with a challenge of
 * the same scheme. A 401 without one says nothing of the client: some providers send it for a dead refresh
 * token, which must not hold the integration.
 */
const impliedError = (status: number, challenge = ""): string | undefined =>
  status === 401 && /(?:^|,)\s*Basic\b/i.test(challenge) ? "invalid_client" : undefined;
