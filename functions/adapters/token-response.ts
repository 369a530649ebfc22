import type { GrantAnswer } from "../domain/ports.ts";
import type { Secret } from "../domain/secret.ts";
import { type Granted, grantedTokens } from "./granted-tokens.ts";
import { errorOf, providerWords } from "./provider-words.ts";
import { retryAfterMs } from "./retry-after.ts";
import type { HttpAnswer } from "./token-endpoint-transport.ts";
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
export function grantAnswer(answer: HttpAnswer, secrets: readonly Secret<string>[]): GrantAnswer {
  const text = textOf(answer.body);
  const parsed = parseBody(text);
  return (
    tokensOf(answer, parsed ?? parseDamagedBody(text)) ??
    askedToWait(answer, parsed) ??
    refusal(answer, parsed, secrets) ??
    unusable(answer, parsed, secrets)
  );
}

/**
 * The tokens of an answer that was cut off: they are as good as any, and may be the only ones left.
 * Nothing else of such an answer is believed; nor is a form, in which a value may lack its end.
 */
export function tokensCutOff(partial: HttpAnswer | undefined): Granted | undefined {
  if (partial === undefined) return undefined;
  const text = textOf(partial.body);
  const granted = tokensOf(partial, parseJsonObject(text) ?? parseDamagedBody(text));
  return granted && { ...granted, notes: [...granted.notes, "the answer was cut off"] };
}

function tokensOf(answer: HttpAnswer, parsed: ParsedBody | undefined): Granted | undefined {
  const granted = parsed && grantedTokens(parsed.members, answer.receivedAtMs);
  return granted && { ...granted, notes: [...granted.notes, ...parsed.notes, ...oddities(answer)] };
}

/** What RFC 6749 §5.1 would not have. */
function oddities({ status, headers, body }: HttpAnswer): string[] {
  const startsWithBom = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  return [
    ...(status === 200 ? [] : [`the status is ${status}`]),
    ...(isJsonType(headers["content-type"]) ? [] : ["the content type is not JSON"]),
    ...(startsWithBom ? ["a byte order mark stands before the JSON"] : []),
  ];
}

const isJsonType = (contentType = ""): boolean =>
  /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType.trim());

/** Definite: a provider that has no capacity has not granted. 502 and 504 are a gateway's, and say less. */
function askedToWait(
  { status, headers, receivedAtMs }: HttpAnswer,
  parsed: ParsedBody | undefined,
): GrantAnswer | undefined {
  const delay = { retryAfterMs: retryAfterMs(headers, receivedAtMs) };
  const error = parsed && errorOf(parsed.members);
  if (status === 429 || error === "slow_down") return { kind: "rate_limited", ...delay };
  if (status === 503 || error === "temporarily_unavailable") {
    return { kind: "unavailable", reason: "the provider is temporarily unavailable", ...delay };
  }
  return undefined;
}

/**
 * RFC 6749 §5.2, by the provider's own word alone. The status says little: invalid_grant comes with 400
 * as the RFC has it, and with 401, 403 and even 200. With 5xx the server says that it failed itself: not
 * believed. A body's error counts for more than a challenge beside it.
 */
function refusal(
  { status, headers }: HttpAnswer,
  parsed: ParsedBody | undefined,
  secrets: readonly Secret<string>[],
): GrantAnswer | undefined {
  const members = parsed?.members ?? {};
  const error = errorOf(members) ?? impliedError(status, headers["www-authenticate"]);
  const isJudgement = (status >= 200 && status < 300) || (status >= 400 && status < 500);
  if (!isJudgement) return undefined;
  switch (error) {
    case "invalid_grant":
      return { kind: "refused", ...providerWords(error, members, secrets) };
    case "invalid_client":
    case "unauthorized_client":
      return { kind: "client_rejected", ...providerWords(error, members, secrets) };
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
  answer: HttpAnswer,
  parsed: ParsedBody | undefined,
  secrets: readonly Secret<string>[],
): GrantAnswer {
  const error = parsed && errorOf(parsed.members);
  return {
    kind: "unusable",
    reason: `expected tokens, got ${kindOf(answer, parsed)}, status ${answer.status}`,
    serverFailed: answer.status >= 500,
    ...(error !== undefined && providerWords(error, parsed?.members ?? {}, secrets)),
  };
}

function kindOf({ status, headers, body }: HttpAnswer, parsed: ParsedBody | undefined): string {
  if (status >= 300 && status < 400) return "a redirect";
  if (body.length === 0) return "an empty body";
  if (parsed === undefined) return `${mediaTypeOf(headers["content-type"])}, ${body.length} bytes`;
  return errorOf(parsed.members) === undefined
    ? "an object without an access_token"
    : "an error that means nothing to this service";
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
