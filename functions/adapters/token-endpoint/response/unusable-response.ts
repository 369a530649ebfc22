import type { Secret } from "../../../domain/model/secret.ts";
import type { TokenResult } from "../../../domain/ports/token-endpoint.ts";
import { contentCodings, maximumContentCodings } from "../../http/content-coding.ts";
import type { HttpResponse } from "../../http/exchange.ts";
import type { ProviderBehaviour } from "../../provider-catalogue/provider-entry.ts";
import { errorOf, isFlaggedAsFailure } from "./provider-error.ts";
import { providerWords } from "./provider-words.ts";
import type { Members } from "./token-response-body.ts";

/**
 * The result of a response with neither tokens nor a known error. The reason describes its kind and quotes
 * nothing of it.
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
  return {
    kind: "unusable",
    reason: `expected tokens, got ${kindOf(response, members, provider)}, status ${status}`,
    serverFailed: status >= 500,
    ...(mayHaveRotated(status, members ?? {}, provider) && { mayHaveRotated: true }),
    ...(error.code !== undefined && providerWords(error, secrets)),
  };
}

/**
 * A gateway in front of the provider sends these once it has passed the request on: the provider's own response
 * is unknown. RFC 9110 §15.6.3 and §15.6.5; 524 is Cloudflare's for a server that accepts a connection and
 * does not respond in time.
 */
const gatewayStatuses = [502, 504, 524];

/** Returns true for a gateway's error, and for a success without an error, whose tokens may be in an unknown place. */
function mayHaveRotated(status: number, members: Members, provider: ProviderBehaviour): boolean {
  if (gatewayStatuses.includes(status)) return true;
  if (Math.floor(status / 100) !== 2) return false;
  return errorOf(members, provider).code === undefined && !isFlaggedAsFailure(members, provider);
}

function kindOf(
  { status, headers, body }: HttpResponse,
  members: Members | undefined,
  provider: ProviderBehaviour,
): string {
  if (status >= 300 && status < 400) return "a redirect";
  if (body.length === 0) return "an empty body";
  if (members === undefined) {
    const isDecoded = contentCodings(headers["content-encoding"]).length <= maximumContentCodings;
    const coded = isDecoded ? "" : ` in more than ${maximumContentCodings} content codings`;
    return `${mediaTypeOf(headers["content-type"])}${coded}, ${body.length} bytes`;
  }
  const { code } = errorOf(members, provider);
  if (code !== undefined) return "an unknown error";
  return isFlaggedAsFailure(members, provider)
    ? "a failure without an error"
    : "an object without an access_token";
}

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
