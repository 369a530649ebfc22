import { MisconfiguredRegistration } from "../../domain/model/errors.ts";
import type { ClientRegistration } from "../../domain/ports/client-registration.ts";
import type { EndpointOrigin, TokenRequest } from "../../domain/ports/token-endpoint.ts";
import { registeredProvider } from "../client-registration/registered-provider.ts";
import { hostVariesByConnection, tokenEndpointUrl } from "./endpoint-url.ts";

/**
 * The endpoint that exchanges the refresh tokens of a connection with this `config`.
 *
 * @param allowLoopback permits http at loopback addresses
 * @throws {MisconfiguredRegistration} there is none, or a variable has no permitted value
 */
export function registeredEndpoint(
  registration: Pick<ClientRegistration, "provider" | "tokenEndpoint">,
  config: TokenRequest["config"],
  allowLoopback: boolean,
): URL {
  const { variables = {}, config: registrationConfig = {} } = registeredProvider(registration);
  const template = registration.tokenEndpoint;
  if (template === undefined) {
    throw new MisconfiguredRegistration("there is neither a token_endpoint nor an issuer");
  }
  return tokenEndpointUrl({ template, config, variables, registrationConfig, allowLoopback });
}

/**
 * The origin of that endpoint. Metadata may move an endpoint's path below its issuer; the issuer's origin is the
 * one that stands for it.
 *
 * @returns undefined: there is no endpoint that may be called
 */
export function registeredOrigin(
  registration: Pick<ClientRegistration, "provider" | "tokenEndpoint" | "issuer">,
  config: TokenRequest["config"],
  allowLoopback: boolean,
): EndpointOrigin | undefined {
  const { tokenEndpoint: template, issuer } = registration;
  if (template === undefined) {
    const origin = URL.parse(issuer ?? "")?.origin;
    return origin === undefined ? undefined : { origin, variesByConnection: false };
  }
  const { variables = {} } = registeredProvider(registration);
  try {
    const { origin } = registeredEndpoint(registration, config, allowLoopback);
    return { origin, variesByConnection: hostVariesByConnection({ template, variables }) };
  } catch (error) {
    if (error instanceof MisconfiguredRegistration) return undefined;
    throw error;
  }
}
