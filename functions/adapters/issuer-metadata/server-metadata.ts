import { isObject } from "../../validation/structures.ts";
import { parseJsonObject, textOf } from "../token-endpoint/response/token-response-body.ts";

/** What is used of an authorization server's metadata, RFC 8414 §2. */
export interface ServerMetadata {
  readonly tokenEndpoint: string;
  /** Where clients with a certificate go instead, RFC 8705 §5. */
  readonly mtlsTokenEndpoint: string | undefined;
  /** Undefined: not said. */
  readonly authenticationMethods: readonly unknown[] | undefined;
}

/** A document that is not the metadata of the issuer; the message says why, without content. */
export class UnusableMetadata extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "UnusableMetadata";
  }
}

/**
 * Where an issuer's metadata may stand, in the order of asking. The path of the issuer follows the
 * well-known part (RFC 8414 §3.1, and §5 for servers that move), or goes before it (OpenID Connect
 * Discovery 1.0 §4.1).
 */
export function metadataUrls(issuer: string): readonly URL[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  const places = [
    `/.well-known/oauth-authorization-server${path}`,
    `/.well-known/openid-configuration${path}`,
    `${path}/.well-known/openid-configuration`,
  ];
  return [...new Set(places)].map((place) => new URL(place, origin));
}

/**
 * @param issuer has to be the document's own, character by character (RFC 8414 §3.3): another server's
 *   document would send refresh tokens to that server
 * @throws {UnusableMetadata}
 */
export function parseServerMetadata(body: Uint8Array, issuer: string): ServerMetadata {
  const metadata = parseJsonObject(textOf(body))?.members;
  if (metadata === undefined) throw new UnusableMetadata("is not a JSON object");
  if (metadata.issuer !== issuer) throw new UnusableMetadata(difference(metadata.issuer, issuer));
  const { token_endpoint, token_endpoint_auth_methods_supported: methods } = metadata;
  const { mtls_endpoint_aliases: aliases } = metadata;
  const { token_endpoint: mtls } = isObject(aliases) ? aliases : {};
  if (!isLiteralUrl(token_endpoint)) throw new UnusableMetadata("names no token_endpoint");
  if (mtls !== undefined && !isLiteralUrl(mtls)) {
    throw new UnusableMetadata("names no token_endpoint for clients with a certificate");
  }
  return {
    tokenEndpoint: token_endpoint,
    mtlsTokenEndpoint: mtls,
    authenticationMethods: Array.isArray(methods) ? methods : undefined,
  };
}

/** A slash at the end is what servers disagree about, and people overlook. */
function difference(issuer: unknown, registered: string): string {
  if (issuer === `${registered}/`) {
    return "names the issuer with a slash at its end, and the registration without";
  }
  return registered === `${issuer}/`
    ? "names the issuer without a slash at its end, and the registration with one"
    : "is another issuer's";
}

/** A variable in it would let a connection choose where its tokens go. */
const isLiteralUrl = (value: unknown): value is string =>
  typeof value === "string" && URL.canParse(value) && !/[{}]/.test(value);
