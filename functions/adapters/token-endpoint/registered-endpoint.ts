import { MisconfiguredRegistration } from "../../domain/model/errors.ts";
import type { ClientRegistration } from "../../domain/ports/client-registration.ts";
import type { TokenRequest } from "../../domain/ports/token-endpoint.ts";
import { registeredProvider } from "../client-registration/registered-provider.ts";
import { tokenEndpointUrl } from "./endpoint-url.ts";

/**
 * Where the refresh tokens of a connection with this `config` are exchanged.
 *
 * @param allowLoopback permits http, to a loopback address alone
 * @throws {MisconfiguredRegistration} there is none, or a variable is not filled by what may stand for it
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
