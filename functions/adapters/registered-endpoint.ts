import type { ClientRegistration, GrantRequest } from "../domain/ports.ts";
import { registeredProvider } from "./registered-provider.ts";
import { tokenEndpointUrl } from "./token-endpoint.ts";

/**
 * Where the refresh tokens of a connection with this `config` are exchanged.
 *
 * @param allowLoopback permits http, to a loopback address alone
 * @throws {MisconfiguredRegistration} a variable is not filled, or not by what may stand for it
 */
export function registeredEndpoint(
  registration: ClientRegistration,
  config: GrantRequest["config"],
  allowLoopback: boolean,
): URL {
  const { variables = {}, config: registrationConfig = {} } = registeredProvider(registration);
  const template = registration.tokenEndpoint;
  return tokenEndpointUrl({ template, config, variables, registrationConfig, allowLoopback });
}
