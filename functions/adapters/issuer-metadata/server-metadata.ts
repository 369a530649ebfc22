import { isObject } from "../../validation/structures.ts";
import { parseJsonObject, textOf } from "../token-endpoint/response/token-response-body.ts";

/** The used part of an authorization server's metadata, RFC 8414 §2. */
export interface ServerMetadata {
  readonly tokenEndpoint: string;
  /** The endpoint for clients with a certificate, RFC 8705 §5. */
  readonly mtlsTokenEndpoint: string | undefined;
  /** Undefined: not stated. */
  readonly authenticationMethods: readonly unknown[] | undefined;
}

/** A document that is not the issuer's metadata. The message says why and quotes nothing of it. */
export class UnusableMetadata extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "UnusableMetadata";
  }
}

/**
 * The URLs that an issuer's metadata may have, in the order of the requests. The issuer's path follows the
 * well-known part (RFC 8414 §3.1, and §5 for older servers), or precedes it (OpenID Connect Discovery 1.0 §4.1).
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
 * @param issuer equals the document's `issuer`, character by character (RFC 8414 §3.3), or else another
 *   server's document could have refresh tokens sent to that server
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

/** A slash at the end is easily overlooked, and servers differ in it. */
function difference(issuer: unknown, registered: string): string {
  if (issuer === `${registered}/`) {
    return "names the issuer with a slash at its end, and the registration without";
  }
  return registered === `${issuer}/`
    ? "names the issuer without a slash at its end, and the registration with one"
    : "is another issuer's";
}

/** A URL without variables: a connection could choose the recipient of its tokens with them. */
const isLiteralUrl = (value: unknown): value is string =>
  typeof value === "string" && URL.canParse(value) && !/[{}]/.test(value);
