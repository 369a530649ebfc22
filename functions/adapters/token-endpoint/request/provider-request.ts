import { MisconfiguredRegistration } from "../../../domain/model/errors.ts";
import type { Secret } from "../../../domain/model/secret.ts";
import type { ClientRegistration } from "../../../domain/ports/client-registration.ts";
import type { TokenRequest } from "../../../domain/ports/token-endpoint.ts";
import {
  type RegisteredProvider,
  registeredProvider,
} from "../../client-registration/registered-provider.ts";
import type { HttpRequest } from "../../http/exchange.ts";
import type { ParameterValue, ProviderBehaviour } from "../../provider-catalogue/provider-entry.ts";
import { ownValue } from "../../provider-catalogue/stated-values.ts";

type Message = Pick<HttpRequest, "url" | "method" | "headers" | "body">;

/** The token that the request exchanges. @throws {MisconfiguredRegistration} there is none */
export function exchangedToken({ registration, refreshToken, accessToken }: TokenRequest): Secret {
  const token = registration.renewsWithAccessToken ? accessToken : refreshToken;
  if (token !== undefined) return token;
  throw new MisconfiguredRegistration("the connection has no token that could be exchanged");
}

/**
 * The token request in the provider's form.
 *
 * @param standard the request of RFC 6749 §6 with its client authentication, form-encoded
 * @throws {MisconfiguredRegistration} a parameter has no value
 */
export function providerRequest(
  standard: Pick<Message, "url" | "headers" | "body">,
  { registration, config }: Pick<TokenRequest, "registration" | "config">,
): Message {
  const provider = registeredProvider(registration);
  const { method = "POST", headers = {} } = provider;
  const parameters = parametersOf(new URLSearchParams(standard.body), provider, config);
  const lowerCased = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  const message = encoded(standard, parameters, provider);
  return { ...message, method, headers: { ...message.headers, ...Object.fromEntries(lowerCased) } };
}

/** @throws {MisconfiguredRegistration} a parameter needs a value that neither config nor registration states */
export function assertParametersHaveValues(
  registration: ClientRegistration,
  config: TokenRequest["config"],
): void {
  parametersOf(new URLSearchParams(), registeredProvider(registration), config);
}

type Parameters = Readonly<Record<string, Exclude<ParameterValue, null | object>>>;

function parametersOf(
  standard: URLSearchParams,
  provider: RegisteredProvider,
  config: TokenRequest["config"],
): Parameters {
  const renamed = Object.fromEntries(
    Array.from(standard, ([name, value]) => [parameterName(name, provider), value]),
  );
  const { grantType = "refresh_token" } = provider;
  const parameters: Record<string, Parameters[string]> = { ...renamed, grant_type: grantType };
  for (const [name, stated] of Object.entries(provider.parameters ?? {})) {
    const value = statedValue(name, stated, provider, config);
    if (value !== undefined) parameters[name] = value;
    else if (stated === null) delete parameters[name];
  }
  return parameters;
}

function parameterName(
  name: string,
  {
    tokenParameter = "refresh_token",
    clientIdParameter = "client_id",
    clientSecretParameter = "client_secret",
  }: ProviderBehaviour,
): string {
  switch (name) {
    case "refresh_token":
      return tokenParameter;
    case "client_id":
      return clientIdParameter;
    case "client_secret":
      return clientSecretParameter;
    default:
      return name;
  }
}

/** @throws {MisconfiguredRegistration} */
function statedValue(
  parameter: string,
  stated: ParameterValue,
  { config: registrationConfig = {} }: RegisteredProvider,
  config: TokenRequest["config"],
): Parameters[string] | undefined {
  if (stated === null) return undefined;
  if (typeof stated !== "object") return stated;
  const { from, required = false } = stated;
  const value = ownValue(config, from) ?? ownValue(registrationConfig, from);
  if (value === undefined && required) {
    throw new MisconfiguredRegistration(
      `the parameter ${parameter} needs a value that neither the connection's config nor the registration states: ${from}`,
    );
  }
  return value;
}

function encoded(
  { url, headers }: Pick<Message, "url" | "headers">,
  parameters: Parameters,
  { method, parametersIn = "form" }: ProviderBehaviour,
): Pick<Message, "url" | "headers" | "body"> {
  const form = new URLSearchParams(
    Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)]),
  );
  if (method === "GET" || parametersIn === "query") {
    const { "content-type": _, ...others } = headers;
    const inQuery = new URL(url);
    for (const [name, value] of form) inQuery.searchParams.set(name, value);
    return { url: inQuery, headers: others, body: "" };
  }
  if (parametersIn === "json") {
    const asJson = { ...headers, "content-type": "application/json" };
    return { url, headers: asJson, body: JSON.stringify(parameters) };
  }
  return { url, headers, body: form.toString() };
}
