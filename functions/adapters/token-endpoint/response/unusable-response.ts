import type { Secret } from "../../../domain/model/secret.ts";
import type { TokenResult } from "../../../domain/ports/token-endpoint.ts";
import { contentCodings, maximumContentCodings } from "../../http/content-coding.ts";
import type { HttpResponse } from "../../http/exchange.ts";
import type { ProviderBehaviour } from "../../provider-catalogue/provider-entry.ts";
import { errorOf, isFlaggedAsFailure, type ProviderError } from "./provider-error.ts";
import { providerWords, safeText } from "./provider-words.ts";
import type { Members } from "./token-response-body.ts";

/**
 * The result of a response with neither tokens nor a known error. The reason describes its kind and quotes
 * nothing of it but the target of a redirect.
 *
 * @param members undefined: the body is neither a JSON object nor a form
 */
export function unusableResponse(
  response: HttpResponse,
  members: Members | undefined,
  secrets: readonly Secret<string>[],
  provider: ProviderBehaviour,
): TokenResult {
  const { status } = response;
  const error = errorOf(members ?? {}, provider);
  const failure = failureIn(members ?? {}, error, provider);
  const kind = kindOf(response, members, failure, secrets);
  return {
    kind: "unusable",
    reason: `expected tokens, got ${kind}, status ${status}`,
    serverFailed: status >= 500,
    ...(mayHaveRotated(status, failure) && { mayHaveRotated: true }),
    ...(error.code !== undefined && providerWords(error, secrets)),
  };
}

/** The failure that the response's members state. Undefined: none. */
function failureIn(
  members: Members,
  { code }: ProviderError,
  provider: ProviderBehaviour,
): string | undefined {
  if (code !== undefined) return "an unknown error";
  return isFlaggedAsFailure(members, provider) ? "a failure without an error" : undefined;
}

/**
 * A gateway in front of the provider sends these once it has passed the request on: the provider's own response
 * is unknown. RFC 9110 §15.6.3 and §15.6.5; 524 is Cloudflare's for a server that accepts a connection and
 * does not respond in time.
 */
const gatewayStatuses = [502, 504, 524];

/** Returns true for a gateway's error, and for a success without a failure, whose tokens may be in an unknown place. */
const mayHaveRotated = (status: number, failure: string | undefined): boolean =>
  gatewayStatuses.includes(status) || (Math.floor(status / 100) === 2 && failure === undefined);

function kindOf(
  { status, headers, body }: HttpResponse,
  members: Members | undefined,
  failure: string | undefined,
  secrets: readonly Secret<string>[],
): string {
  if (status >= 300 && status < 400) return redirectTo(headers.location, secrets);
  if (body.length === 0) return "an empty body";
  if (members === undefined) {
    const isDecoded = contentCodings(headers["content-encoding"]).length <= maximumContentCodings;
    const coded = isDecoded ? "" : ` in more than ${maximumContentCodings} content codings`;
    return `${mediaTypeOf(headers["content-type"])}${coded}, ${body.length} bytes`;
  }
  return failure ?? "an object without an access_token";
}

/** Without user, query and fragment, which may hold what was sent. A relative target has no origin. */
function redirectTo(location: string | undefined, secrets: readonly Secret<string>[]): string {
  const target = location === undefined ? null : URL.parse(location, relativeBase);
  if (target === null || !/^https?:$/.test(target.protocol)) return "a redirect";
  const { origin, pathname } = target;
  const shown = safeText(`${origin === relativeBase ? "" : origin}${pathname}`, secrets);
  return shown === undefined ? "a redirect" : `a redirect to ${shown}`;
}

const relativeBase = "https://relative.invalid";

/** Only known media types are named: a header's value is content, too. */
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
  return namedMediaTypes.find((name) => name === mediaType) ?? "content of another media type";
}
