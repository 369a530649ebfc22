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

/** A registration whose token endpoint is known, if there is any. */
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
 * The registration with the token endpoint of its issuer's metadata, where it names none itself.
 *
 * @throws {MisconfiguredRegistration} the metadata rules the registration out
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
  const reason = "the issuer's metadata could not be read: no answer in time";
  return { kind: "unavailable", reason, retryAfterMs: undefined };
}

const endpointIn = (
  { tokenEndpoint, mtlsTokenEndpoint }: ServerMetadata,
  { tlsCredentials }: ClientRegistration,
): string => (tlsCredentials && mtlsTokenEndpoint) ?? tokenEndpoint;

/**
 * RFC 8414 §2 has `client_secret_basic` where a server does not list its methods; few of those mean it.
 * `none` is the absence of a method, and servers that serve public clients often leave it out:
 * https://github.com/keycloak/keycloak/issues/29822. A method that was only assumed gives way to the
 * other one for the same secret: https://github.com/panva/openid-client/issues/57.
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

/** @throws {MisconfiguredRegistration} there is a certificate, and it would not do */
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
