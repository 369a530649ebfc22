import type { Secret } from "../../../domain/model/secret.ts";
import type { TokenResult } from "../../../domain/ports/token-endpoint.ts";
import type { HttpExchange } from "../../http/exchange.ts";
import { defaultMaximumBodyBytes } from "../../http/transport.ts";
import type { ProviderBehaviour } from "../../provider-catalogue/provider-entry.ts";
import { tokenResult, tokensInPartialResponse } from "./token-response.ts";

export interface ResultOptions {
  readonly provider: ProviderBehaviour;
  /** Values that were sent, to be removed from the provider's words. */
  readonly secrets: readonly Secret<string>[];
}

/** The result of a token request, by the way in which its HTTP exchange ended. */
export function exchangeResult(
  exchange: HttpExchange,
  { provider, secrets }: ResultOptions,
): TokenResult {
  switch (exchange.kind) {
    case "forbidden":
      return {
        kind: "misconfigured",
        reason: "the host of the token endpoint has no address that may be connected to",
      };
    case "certificate_refused":
      return {
        kind: "client_rejected",
        providerError: `TLS alert ${exchange.alert}`,
        providerErrorDescription: undefined,
      };
    case "unreachable":
      return { kind: "unavailable", reason: exchange.reason, retryAfterMs: undefined };
    case "not_sent":
      return { kind: "not_sent" };
    case "response":
      return tokenResult(exchange.response, secrets, provider);
    case "timed_out":
    case "broken_off":
    case "too_large":
      return (
        tokensInPartialResponse(exchange.partial, secrets, provider) ??
        resultWithoutTokens(exchange)
      );
  }
}

function resultWithoutTokens(
  exchange: Extract<HttpExchange, { kind: "timed_out" | "broken_off" | "too_large" }>,
): TokenResult {
  switch (exchange.kind) {
    case "timed_out":
      return { kind: "timed_out" };
    case "broken_off":
      return { kind: "broken_off", reason: exchange.reason };
    case "too_large":
      return {
        kind: "unusable",
        reason: `expected tokens, got more than ${defaultMaximumBodyBytes} bytes`,
        serverFailed: false,
        // Tokens may stand beyond the limit, or in a part that could not be decoded.
        ...(Math.floor((exchange.partial?.status ?? 0) / 100) === 2 && { mayHaveRotated: true }),
      };
  }
}

/** Notes a narrower scope (RFC 6749 §6): callers of the provider's APIs lose permissions. */
export function withScopeCompared(
  result: TokenResult,
  formerScope: string | undefined,
): TokenResult {
  if (result.kind !== "granted" || formerScope === undefined) return result;
  const scopes = result.tokens.scope?.split(" ");
  const isNarrower = scopes && !formerScope.split(" ").every((former) => scopes.includes(former));
  return isNarrower
    ? { ...result, notes: [...result.notes, "the scope is narrower than before"] }
    : result;
}
