import type { ClientAuthenticationMethod, ClientRegistration } from "../domain/ports.ts";
import { parseSigningKey } from "./signing-key.ts";
import { parseTlsCredentials } from "./tls-credentials.ts";

type ClientCredentials = Pick<
  ClientRegistration,
  "signingKey" | "assertionAudience" | "tlsCredentials"
>;

/**
 * What a registration's secret holds for methods that need more than an id and a secret.
 *
 * @param faults gets every member at fault, and no value
 */
export function parseClientCredentials(
  members: Readonly<Record<string, unknown>>,
  method: ClientAuthenticationMethod,
  faults: string[],
): ClientCredentials {
  const { token_endpoint_auth_method: stated, token_endpoint_auth_audience: audience } = members;
  if (stated === undefined && members.client_secret === undefined && hasKey(members)) {
    faults.push("token_endpoint_auth_method: required beside a private key");
  }
  if (needsSecret(method) && members.client_secret === undefined) {
    faults.push(`client_secret: required by ${method}`);
  }
  if (needsCertificate(method) && members.tls_client_certificate === undefined) {
    faults.push(`tls_client_certificate: required by ${method}`);
  }
  return {
    signingKey: method === "private_key_jwt" ? parseSigningKey(members, faults) : undefined,
    assertionAudience: parseAudience(audience, faults),
    tlsCredentials: parseTlsCredentials(members, faults),
  };
}

const hasKey = ({ jwks, private_key, tls_client_private_key }: Readonly<Record<string, unknown>>) =>
  [jwks, private_key, tls_client_private_key].some((member) => member !== undefined);

const needsSecret = (method: ClientAuthenticationMethod): boolean =>
  method === "client_secret_basic" ||
  method === "client_secret_post" ||
  method === "client_secret_jwt";

const needsCertificate = (method: ClientAuthenticationMethod): boolean =>
  method === "tls_client_auth" || method === "self_signed_tls_client_auth";

/** No standard has a name for it: what a server wants as `aud` that takes neither of RFC 7523 §3. */
function parseAudience(audience: unknown, faults: string[]): string | undefined {
  if (audience === undefined) return undefined;
  if (typeof audience === "string" && /^[\x21-\x7e]+$/.test(audience)) return audience;
  faults.push("token_endpoint_auth_audience: has to be a string without spaces");
  return undefined;
}
