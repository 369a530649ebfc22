import { MisconfiguredRegistration } from "../../domain/model/errors.ts";
import type { Recipient } from "../../domain/model/token-binding.ts";
import type {
  ClientAuthenticationMethod,
  ClientRegistration,
  TlsCredentials,
} from "../../domain/ports/client-registration.ts";
import { assertCertificateIsValid } from "../client-registration/tls-credentials.ts";
import { type Deadline, DeadlinePassed } from "../http/deadline.ts";
import type { ServerDiscovery, Undiscovered } from "../issuer-metadata/server-discovery.ts";
import type { ServerMetadata } from "../issuer-metadata/server-metadata.ts";

/** A registration that names its token endpoint, if it has one at all. */
export interface Located {
  readonly kind: "located";
  readonly registration: LocatedRegistration;
}

export interface LocatedRegistration extends ClientRegistration {
  /** The issuer's metadata states the token endpoint. @default false */
  readonly endpointIsDiscovered?: boolean;
}

/**
 * An issuer may move the path of a token endpoint at its own origin. At another origin its word does not count: the
 * issuer may be anybody whom the registration names.
 */
export const recipientAt = (
  { origin, pathname: path }: URL,
  { clientId, issuer, endpointIsDiscovered = false }: LocatedRegistration,
): Recipient => ({
  clientId,
  origin,
  path,
  pathIsDiscovered: endpointIsDiscovered && URL.parse(issuer ?? "")?.origin === origin,
});

/**
 * Completes a registration without a token endpoint from its issuer's metadata.
 *
 * @throws {MisconfiguredRegistration} the issuer does not support the registration's client authentication
 */
export async function locateTokenEndpoint(
  registration: ClientRegistration,
  discover: ServerDiscovery,
  deadline: Deadline,
): Promise<Located | Undiscovered> {
  const { tokenEndpoint, issuer } = registration;
  if (tokenEndpoint !== undefined || issuer === undefined) return { kind: "located", registration };
  const discovery = await Promise.race([discover(issuer), deadline.passed]).catch(tooLate);
  if (discovery.kind !== "found") return discovery;
  const { metadata } = discovery;
  const located = {
    ...registration,
    tokenEndpoint: endpointIn(metadata, registration),
    tokenEndpointAuthMethod: methodIn(metadata, registration),
    endpointIsDiscovered: true,
  };
  return { kind: "located", registration: located };
}

function tooLate(error: unknown): Undiscovered {
  if (!(error instanceof DeadlinePassed)) throw error;
  const reason = "the issuer's metadata could not be read: no response in time";
  return { kind: "unavailable", reason, retryAfterMs: undefined };
}

const endpointIn = (
  { tokenEndpoint, mtlsTokenEndpoint }: ServerMetadata,
  { tlsCredentials }: ClientRegistration,
): string => (tlsCredentials && mtlsTokenEndpoint) ?? tokenEndpoint;

/**
 * A server that lists no methods has `client_secret_basic` by RFC 8414 §2, which few such servers mean: the
 * registration's method stays. Servers for public clients often omit `none`:
 * https://github.com/keycloak/keycloak/issues/29822. A method that was only assumed gives way to the other
 * method for the same secret: https://github.com/panva/openid-client/issues/57.
 */
function methodIn(
  { authenticationMethods: listed }: ServerMetadata,
  { tokenEndpointAuthMethod: method, authMethodIsAssumed }: ClientRegistration,
): ClientAuthenticationMethod {
  if (method === "none" || listed === undefined || listed.includes(method)) return method;
  if (authMethodIsAssumed && listed.includes("client_secret_post")) return "client_secret_post";
  throw new MisconfiguredRegistration(
    `the issuer does not list ${method} in token_endpoint_auth_methods_supported`,
  );
}

/** @throws {MisconfiguredRegistration} the certificate is not valid now, or the endpoint is not https */
export function certificateFor(
  { tlsCredentials }: ClientRegistration,
  { protocol }: URL,
  nowMs: number,
): TlsCredentials | undefined {
  if (tlsCredentials === undefined) return undefined;
  if (protocol !== "https:") {
    throw new MisconfiguredRegistration("tls_client_certificate needs a token endpoint with https");
  }
  assertCertificateIsValid(tlsCredentials, nowMs);
  return tlsCredentials;
}
