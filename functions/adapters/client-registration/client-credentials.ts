import {
  type ClientAuthenticationMethod,
  type ClientRegistration,
  type DpopAlgorithm,
  dpopAlgorithms,
} from "../../domain/ports/client-registration.ts";
import { parseSigningKey } from "./signing-key.ts";
import { parseTlsCredentials } from "./tls-credentials.ts";

type Members = Readonly<Record<string, unknown>>;

type ClientCredentials = Pick<
  ClientRegistration,
  "signingKey" | "assertionAudience" | "tlsCredentials" | "dpopAlgorithm"
>;

/**
 * What a registration's secret holds for methods that need more than an id and a secret.
 *
 * @param faults gets every member at fault, and no value
 */
export function parseClientCredentials(
  members: Members,
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
  const { token_endpoint_auth_signing_alg: alg = secretAlgorithm } = members;
  if (method === "client_secret_jwt" && alg !== secretAlgorithm) {
    faults.push(`token_endpoint_auth_signing_alg: has to be ${secretAlgorithm} with ${method}`);
  }
  return {
    signingKey: method === "private_key_jwt" ? parseSigningKey(members, faults) : undefined,
    assertionAudience: parseAudience(audience, faults),
    tlsCredentials: parseTlsCredentials(members, faults),
    dpopAlgorithm: parseDpop(members, faults),
  };
}

/** What a client's secret signs with, and no other. */
const secretAlgorithm = "HS256";

const hasKey = ({ jwks, private_key, tls_client_private_key }: Members) =>
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

/**
 * `dpop_bound_access_tokens`, RFC 9449 §5.2. `dpop_signing_alg`, for which no standard has a name, is what
 * new keys are made for; `ES256` where it is absent.
 */
function parseDpop(
  { dpop_bound_access_tokens: isBound = false, dpop_signing_alg: alg = "ES256" }: Members,
  faults: string[],
): DpopAlgorithm | undefined {
  const algorithm = dpopAlgorithms.find((name) => name === alg);
  if (algorithm === undefined) {
    faults.push(`dpop_signing_alg: has to be one of ${dpopAlgorithms.join(", ")}`);
  }
  if (typeof isBound !== "boolean") faults.push("dpop_bound_access_tokens: has to be a boolean");
  return isBound === true ? algorithm : undefined;
}
