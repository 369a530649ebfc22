import { Secret } from "../../../domain/model/secret.ts";
import type { TokenResult } from "../../../domain/ports/token-endpoint.ts";
import { contentCodings, maximumContentCodings } from "../../http/content-coding.ts";
import type { HttpResponse } from "../../http/exchange.ts";
import { retryAfterMemberMs, retryAfterMs } from "../../http/retry-after.ts";
import type { ProviderBehaviour } from "../../provider-catalogue/provider-entry.ts";
import { type Granted, grantedTokens } from "./granted-tokens.ts";
import { errorOf, isFlaggedAsFailure, type ProviderError, ruleFor } from "./provider-error.ts";
import { providerWords } from "./provider-words.ts";
import { responseRefreshToken } from "./response-token-set.ts";
import {
  type ParsedBody,
  parseBody,
  parseDamagedBody,
  parseJsonObject,
  textOf,
} from "./token-response-body.ts";

/**
 * What an answer of a token endpoint means (RFC 6749 §5). Tokens come first: where there are any, all
 * else that the answer says is a note. Pure, and total: there is no answer that it throws for.
 *
 * @param secrets what was sent, to be cut out of the provider's words
 */
export function tokenResult(
  answer: HttpResponse,
  secrets: readonly Secret<string>[],
  provider: ProviderBehaviour = {},
): TokenResult {
  const text = textOf(answer.body);
  const parsed = parseBody(text, provider);
  const body = parsed ?? parseDamagedBody(text, provider);
  const granted = tokensOf(answer, body, provider);
  if (granted !== undefined) return granted;
  const members = parsed?.members ?? {};
  const error = errorOf(members, provider);
  const { code: customaryCode } = errorOf(members);
  const said = parsed === undefined ? { ...error, text: sentenceIn(text) } : error;
  const pauseMs =
    retryAfterMs(answer.headers, answer.receivedAtMs) ?? retryAfterMemberMs(members.retry_after);
  return (
    ruled(answer, said, pauseMs, secrets, provider) ??
    askedToWait(answer, error, pauseMs, provider) ??
    refusal(answer, error, secrets) ??
    refusal(answer, { ...error, code: customaryCode }, secrets) ??
    rotationOf(answer, body, secrets, provider) ??
    unusable(answer, parsed, error, secrets, provider)
  );
}

/**
 * The tokens of an answer that was cut off: they are as good as any, and may be the only ones left.
 * Nothing else of such an answer is believed; nor is a form, in which a value may lack its end.
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
  return { ...granted, notes: [...granted.notes, "the answer was cut off"] };
}

type Rotated = Extract<TokenResult, { kind: "rotated" }>;

/**
 * A new refresh token without an access token. The one that was sent may be dead, and this one be all that
 * is left; but a refusal is no place for new tokens.
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

function tokensOf(
  answer: HttpResponse,
  parsed: ParsedBody | undefined,
  provider: ProviderBehaviour,
): Granted | undefined {
  if (parsed === undefined) return undefined;
  const granted = grantedTokens(parsed.members, answer.receivedAtMs, provider);
  if (granted === undefined) return undefined;
  const isFlagged = isFlaggedAsFailure(parsed.members, provider);
  const flagged = isFlagged ? ["the answer says that it failed"] : [];
  const notes = [...granted.notes, ...parsed.notes, ...oddities(answer, provider)];
  return { ...granted, notes: [...notes, ...flagged] };
}

/** What RFC 6749 §5.1 would not have, nor the provider. */
function oddities(
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

/** Some answer in one plain sentence. */
function sentenceIn(text: string): string | undefined {
  const sentence = text.trim();
  return /^[^<>{}[\]\p{Cc}]{1,200}$/u.test(sentence) ? sentence : undefined;
}

/** What the provider is known to mean by this error. */
function ruled(
  { status }: HttpResponse,
  error: ProviderError,
  pauseMs: number | undefined,
  secrets: readonly Secret<string>[],
  provider: ProviderBehaviour,
): TokenResult | undefined {
  const rule = ruleFor(status, error, provider);
  if (rule === undefined) return undefined;
  const words = providerWords({ ...error, code: error.code ?? `status ${status}` }, secrets);
  const ruledMs = "retryAfterSeconds" in rule ? rule.retryAfterSeconds * 1000 : undefined;
  const wait = { retryAfterMs: pauseMs ?? ruledMs };
  const stated = "concerns" in rule ? rule.concerns : undefined;
  switch (rule.means) {
    case "dead":
      return { kind: "refused", ...words };
    case "client_rejected":
      return { kind: "client_rejected", ...words };
    case "rate_limited":
      return {
        kind: "rate_limited",
        ...wait,
        ...concerning(stated ?? provider.rateLimitConcerns),
      };
    case "transient":
      return stated === "connection"
        ? { kind: "unavailable", reason: refusedForNow, ...wait, ...concerning(stated), ...words }
        : { kind: "unavailable", reason: temporarilyUnavailable, ...wait, ...words };
  }
}

const concerning = (concerns: "connection" | "integration" | undefined) =>
  concerns === undefined ? {} : { concerns };

const refusedForNow = "the provider refuses this connection for now";
const temporarilyUnavailable = "the provider is temporarily unavailable";

/** Definite: a provider that has no capacity has not granted. 502 and 504 are a gateway's, and say less. */
function askedToWait(
  { status }: HttpResponse,
  { code }: ProviderError,
  pauseMs: number | undefined,
  { rateLimitConcerns }: ProviderBehaviour,
): TokenResult | undefined {
  const delay = { retryAfterMs: pauseMs };
  if (status === 429 || code === "slow_down") {
    return { kind: "rate_limited", ...concerning(rateLimitConcerns), ...delay };
  }
  if (status === 503 || code === "temporarily_unavailable") {
    return { kind: "unavailable", reason: temporarilyUnavailable, ...delay };
  }
  return undefined;
}

/**
 * RFC 6749 §5.2, by the provider's own word alone. The status says little: invalid_grant comes with 400
 * as the RFC has it, and with 401, 403 and even 200. With 5xx the server says that it failed itself: not
 * believed. A body's error counts for more than a challenge beside it.
 */
function refusal(
  { status, headers }: HttpResponse,
  error: ProviderError,
  secrets: readonly Secret<string>[],
): TokenResult | undefined {
  const code = error.code ?? impliedError(status, headers["www-authenticate"]);
  const isJudgement = (status >= 200 && status < 300) || (status >= 400 && status < 500);
  if (!isJudgement) return undefined;
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
 * RFC 6749 §5.2: whose client authentication by header failed is answered 401 with a challenge of the
 * scheme that it used. A 401 without one says nothing of the client: some providers send it for a dead
 * refresh token, for which an integration must not be held.
 */
const impliedError = (status: number, challenge = ""): string | undefined =>
  status === 401 && /(?:^|,)\s*Basic\b/i.test(challenge) ? "invalid_client" : undefined;

function unusable(
  answer: HttpResponse,
  parsed: ParsedBody | undefined,
  error: ProviderError,
  secrets: readonly Secret<string>[],
  provider: ProviderBehaviour,
): TokenResult {
  const { status } = answer;
  return {
    kind: "unusable",
    reason: `expected tokens, got ${kindOf(answer, parsed, error, provider)}, status ${status}`,
    serverFailed: status >= 500,
    ...(error.code !== undefined && providerWords(error, secrets)),
  };
}

function kindOf(
  { status, headers, body }: HttpResponse,
  parsed: ParsedBody | undefined,
  { code }: ProviderError,
  provider: ProviderBehaviour,
): string {
  if (status >= 300 && status < 400) return "a redirect";
  if (body.length === 0) return "an empty body";
  if (parsed === undefined) {
    const isDecoded = contentCodings(headers["content-encoding"]).length <= maximumContentCodings;
    const coded = isDecoded ? "" : ` in more than ${maximumContentCodings} content codings`;
    return `${mediaTypeOf(headers["content-type"])}${coded}, ${body.length} bytes`;
  }
  if (code !== undefined) return "an error that means nothing to this service";
  return isFlaggedAsFailure(parsed.members, provider)
    ? "a failure without an error"
    : "an object without an access_token";
}

/** Named only where known: a header's value is content, too. */
const namedMediaTypes = [
  "application/json",
  "application/problem+json",
  "application/x-www-form-urlencoded",
  "application/xml",
  "text/html",
  "text/plain",
  "text/xml",
];

function mediaTypeOf(contentType = ""): string {
  const mediaType = contentType.split(";")[0]?.trim().toLowerCase();
  return namedMediaTypes.find((name) => name === mediaType) ?? "something of another media type";
}
