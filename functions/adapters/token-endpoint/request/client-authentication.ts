import { type ClientAuth, ClientSecretPost, None, TlsClientAuth } from "oauth4webapi";
import { MisconfiguredRegistration } from "../../../domain/model/errors.ts";
import type { ClientRegistration } from "../../../domain/ports/client-registration.ts";
import { registeredProvider } from "../../client-registration/registered-provider.ts";
import { type AssertionTerms, clientSecretJwt, privateKeyJwt } from "./client-assertion.ts";

/**
 * Client authentication at the token endpoint, RFC 6749 §2.3.
 *
 * @param terms for methods with an assertion
 * @throws {MisconfiguredRegistration} the registration lacks the secret, key or certificate of its method
 */
export function clientAuthentication(
  registration: ClientRegistration,
  terms: AssertionTerms,
): ClientAuth {
  const method = registration.tokenEndpointAuthMethod;
  switch (method) {
    case "client_secret_basic":
      return clientSecretBasic(secretFor(registration), basicEncoding(registration));
    case "client_secret_post":
      return ClientSecretPost(secretFor(registration));
    case "client_secret_jwt":
      return clientSecretJwt(secretFor(registration), terms);
    case "private_key_jwt":
      return privateKeyJwt(requiredMember(registration, "signingKey", "a private_key"), terms);
    case "tls_client_auth":
    case "self_signed_tls_client_auth":
      requiredMember(registration, "tlsCredentials", "a tls_client_certificate");
      return TlsClientAuth();
    case "none":
      return None();
    default:
      return unknownMethod(method);
  }
}

/**
 * RFC 6749 §2.3.1: id and secret form-encoded, then Basic. oauth4webapi's `ClientSecretBasic` also escapes
 * `-`, `_` and `.`, which is permitted, and fails at the many servers that do not decode:
 * https://github.com/panva/oauth4webapi/issues/148. Most ids have these characters; unescaped they mean the
 * same to both kinds of server.
 */
const clientSecretBasic =
  (clientSecret: string, encode: (value: string) => string): ClientAuth =>
  (_server, { client_id }, _body, headers) => {
    const credentials = `${encode(client_id)}:${encode(clientSecret)}`;
    headers.set("authorization", `Basic ${btoa(credentials)}`);
  };

/** Some servers do not decode id and secret, and some of their secrets have characters to escape. */
const basicEncoding = (registration: ClientRegistration): ((value: string) => string) =>
  registeredProvider(registration).basicCredentials === "raw" ? (value) => value : formEncode;

/**
 * RFC 6749 Appendix B. More escapes or fewer decode to the same. A space becomes `%20`, for some servers undo
 * escapes and leave `+` as it is: https://github.com/authlib/authlib/blob/main/authlib/oauth2/rfc6749/util.py
 */
const formEncode = encodeURIComponent;

function secretFor({ clientSecret, tokenEndpointAuthMethod }: ClientRegistration): string {
  const secret = clientSecret?.reveal() ?? "";
  if (secret !== "") return secret;
  throw new MisconfiguredRegistration(`${tokenEndpointAuthMethod} needs a client_secret`);
}

function requiredMember<Member extends "signingKey" | "tlsCredentials">(
  registration: ClientRegistration,
  member: Member,
  description: string,
): NonNullable<ClientRegistration[Member]> {
  const value = registration[member];
  if (value !== undefined) return value;
  throw new MisconfiguredRegistration(
    `${registration.tokenEndpointAuthMethod} needs ${description}`,
  );
}

/** Only a registration that was never checked has another method. */
function unknownMethod(_method: never): never {
  throw new MisconfiguredRegistration("token_endpoint_auth_method is unknown");
}
