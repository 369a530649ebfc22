import {
  type ClientAuthenticationMethod,
  type ClientRegistration,
  dpopAlgorithms,
} from "../../domain/ports/client-registration.ts";
import type { Place } from "../../validation/check.ts";
import { type JsonObject, validMembers } from "../../validation/structures.ts";
import { boolean, matching, oneOf } from "../../validation/values.ts";
import { parseSigningKey } from "./signing-key.ts";
import { parseTlsCredentials } from "./tls-credentials.ts";

type ClientCredentials = Pick<
  ClientRegistration,
  "signingKey" | "assertionAudience" | "tlsCredentials" | "dpopAlgorithm"
>;

const statedMembers = validMembers({
  // The `aud` for a server that takes neither value of RFC 7523 §3. No standard has a name for it.
  token_endpoint_auth_audience: matching(/^[\x21-\x7e]+$/, "a string without spaces"),
  // RFC 9449 §5.2.
  dpop_bound_access_tokens: boolean,
  // The algorithm of new keys. No standard has a name for it.
  dpop_signing_alg: oneOf(dpopAlgorithms),
});

/** Reads the members of a registration's secret that a method needs beside an id and a secret. */
export function parseClientCredentials(
  secret: JsonObject,
  method: ClientAuthenticationMethod,
  place: Place,
): ClientCredentials {
  reportMissing(secret, method, place);
  const stated = statedMembers(secret, place);
  return {
    signingKey: method === "private_key_jwt" ? parseSigningKey(secret, place) : undefined,
    assertionAudience: stated.token_endpoint_auth_audience,
    tlsCredentials: parseTlsCredentials(secret, place),
    dpopAlgorithm: stated.dpop_bound_access_tokens
      ? (stated.dpop_signing_alg ?? "ES256")
      : undefined,
  };
}

/** The one algorithm for which a client secret is the key. */
const secretAlgorithm = "HS256";

function reportMissing(secret: JsonObject, method: ClientAuthenticationMethod, place: Place): void {
  const {
    token_endpoint_auth_method: statedMethod,
    client_secret: clientSecret,
    tls_client_certificate: certificate,
    token_endpoint_auth_signing_alg: algorithm = secretAlgorithm,
  } = secret;
  const report = (name: string, text: string) => place.at(name).reject("missing", text);
  if (statedMethod === undefined && clientSecret === undefined && hasKey(secret)) {
    report("token_endpoint_auth_method", "required beside a private key");
  }
  if (needsSecret(method) && clientSecret === undefined) {
    report("client_secret", `required by ${method}`);
  }
  if (needsCertificate(method) && certificate === undefined) {
    report("tls_client_certificate", `required by ${method}`);
  }
  if (method === "client_secret_jwt" && algorithm !== secretAlgorithm) {
    const text = `expected ${secretAlgorithm} with ${method}`;
    place.at("token_endpoint_auth_signing_alg").reject("value_error", text);
  }
}

const hasKey = ({ jwks, private_key, tls_client_private_key }: JsonObject) =>
  [jwks, private_key, tls_client_private_key].some((member) => member !== undefined);

const needsSecret = (method: ClientAuthenticationMethod): boolean =>
  method === "client_secret_basic" ||
  method === "client_secret_post" ||
  method === "client_secret_jwt";

const needsCertificate = (method: ClientAuthenticationMethod): boolean =>
  method === "tls_client_auth" || method === "self_signed_tls_client_auth";
