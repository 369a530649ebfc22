import { Secret } from "../../../domain/model/secret.ts";
import type { TokenResult } from "../../../domain/ports/token-endpoint.ts";
import type { HttpResponse } from "../../http/exchange.ts";
import type { ProviderBehaviour } from "../../provider-catalogue/provider-entry.ts";
import { errorResult } from "./error-result.ts";
import { type Granted, grantedTokens } from "./granted-tokens.ts";
import { errorOf, isFlaggedAsFailure } from "./provider-error.ts";
import { responseRefreshToken } from "./response-token-set.ts";
import {
  type ParsedBody,
  parseBody,
  parseDamagedBody,
  parseJsonObject,
  textOf,
} from "./token-response-body.ts";
import { unusableResponse } from "./unusable-response.ts";

/**
 * The result that a response of a token endpoint states (RFC 6749 §5). Tokens come first: beside them
 * everything else is a note. Pure, and total: it throws for no response.
 *
 * @param secrets values that were sent, to be removed from the provider's words
 */
export function tokenResult(
  response: HttpResponse,
  secrets: readonly Secret<string>[],
  provider: ProviderBehaviour = {},
): TokenResult {
  const text = textOf(response.body);
  const parsed = parseBody(text, provider);
  const body = parsed ?? parseDamagedBody(text, provider);
  return (
    tokensOf(response, body, provider) ??
    errorResult({ response, text, members: parsed?.members }, secrets, provider) ??
    rotationOf(response, body, secrets, provider) ??
    unusableResponse(response, parsed?.members, secrets, provider)
  );
}

/**
 * The tokens in the front of a response. They are as good as any, and may be the only ones left. Nothing
 * else in it is reliable; nor is a form, in which a value may lack its end.
 */
export function tokensInPartialResponse(
  partial: HttpResponse | undefined,
  secrets: readonly Secret<string>[],
  provider: ProviderBehaviour = {},
): Granted | Rotated | undefined {
  if (partial === undefined) return undefined;
  const text = textOf(partial.body);
  const parsed = parseJsonObject(text) ?? parseDamagedBody(text, provider);
  const granted = tokensOf(partial, parsed, provider);
  if (granted === undefined) return rotationOf(partial, parsed, secrets, provider);
  return { ...granted, notes: [...granted.notes, "the response was cut off"] };
}

function tokensOf(
  response: HttpResponse,
  parsed: ParsedBody | undefined,
  provider: ProviderBehaviour,
): Granted | undefined {
  if (parsed === undefined) return undefined;
  const granted = grantedTokens(parsed.members, response.receivedAtMs, provider);
  if (granted === undefined) return undefined;
  const isFlagged = isFlaggedAsFailure(parsed.members, provider);
  const flagged = isFlagged ? ["the response says that it failed"] : [];
  const notes = [...granted.notes, ...parsed.notes, ...deviations(response, provider)];
  return { ...granted, notes: [...notes, ...flagged] };
}

/** Deviations from RFC 6749 §5.1 that are not the provider's documented ones. */
function deviations(
  { status, headers, body }: HttpResponse,
  { successStatuses = [200] }: ProviderBehaviour,
): string[] {
  const startsWithBom = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  return [
    ...(successStatuses.includes(status) ? [] : [`the status is ${status}`]),
    ...(isJsonType(headers["content-type"]) ? [] : ["the content type is not JSON"]),
    ...(startsWithBom ? ["a byte order mark stands before the JSON"] : []),
  ];
}

const isJsonType = (contentType = ""): boolean =>
  /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType.trim());

type Rotated = Extract<TokenResult, { kind: "rotated" }>;

/**
 * A new refresh token without an access token. The token that was sent may be dead, and this one the only
 * one left. A response that states an error brings no new token.
 */
function rotationOf(
  { status }: HttpResponse,
  parsed: ParsedBody | undefined,
  secrets: readonly Secret<string>[],
  provider: ProviderBehaviour,
): Rotated | undefined {
  if (parsed === undefined || Math.floor(status / 100) !== 2) return undefined;
  const { members } = parsed;
  if (errorOf(members, provider).code !== undefined) return undefined;
  if (isFlaggedAsFailure(members, provider)) return undefined;
  const token = responseRefreshToken(members, provider);
  if (token === undefined || secrets.some((sent) => sent.reveal() === token)) return undefined;
  const reason = "expected tokens, got a refresh token without an access token";
  return { kind: "rotated", refreshToken: new Secret(token), reason };
}
