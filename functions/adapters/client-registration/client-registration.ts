import type { RegistrationName } from "../../domain/model/connection.ts";
import { MisconfiguredRegistration } from "../../domain/model/errors.ts";
import { Secret } from "../../domain/model/secret.ts";
import {
  type ClientAuthenticationMethod,
  type ClientRegistration,
  clientAuthenticationMethods,
  refreshPolicies,
} from "../../domain/ports/client-registration.ts";
import { type Check, faultsText, invalid, type Place, validated } from "../../validation/check.ts";
import { anyObject, type JsonObject, json, validMembers } from "../../validation/structures.ts";
import { matching, oneOf, string } from "../../validation/values.ts";
import { visible } from "../provider-catalogue/provider-field-checks.ts";
import { parseClientCredentials } from "./client-credentials.ts";
import { parseRegisteredProvider, type RegisteredProvider } from "./registered-provider.ts";

/** A registration as a person states it. {@link parseClientRegistration} documents the defaults. */
export interface ClientRegistrationDraft {
  readonly clientId: string;
  readonly clientSecret?: Secret<string> | undefined;
  readonly tokenEndpointAuthMethod?: string | undefined;
  /** Members for methods that need more than a secret, by their names in the secret. */
  readonly credentials?: Secret<Readonly<Record<string, unknown>>> | undefined;
  /** Optional where a `provider` or an issuer is named. */
  readonly tokenEndpoint?: string | undefined;
  /** The name of a catalogue entry. */
  readonly provider?: string | undefined;
  readonly issuer?: string | undefined;
  readonly refreshPolicy?: string | undefined;
  readonly refreshTokenIdleSeconds?: number | undefined;
  /** Members that replace fields of the entry, by their names in the secret. */
  readonly replacements?: Readonly<Record<string, unknown>> | undefined;
}

/** The content of a registration's secret, in the names of RFC 7591 §2 where it has them. */
export const registrationJson = (draft: ClientRegistrationDraft): string =>
  JSON.stringify({
    ...draft.replacements,
    provider: draft.provider,
    client_id: draft.clientId,
    client_secret: draft.clientSecret?.reveal(),
    token_endpoint_auth_method: draft.tokenEndpointAuthMethod,
    ...draft.credentials?.reveal(),
    token_endpoint: draft.tokenEndpoint,
    issuer: draft.issuer,
    refresh_policy: draft.refreshPolicy,
    refresh_token_idle_seconds:
      draft.refreshTokenIdleSeconds ?? draft.replacements?.refresh_token_idle_seconds,
  });

/**
 * Reads a registration's secret. `provider` names a catalogue entry; a member with the name of one of its fields, in
 * snake_case, replaces that field (adapters/provider-catalogue/provider-fields.ts). Without a provider
 * `token_endpoint` or `issuer` is required. `token_endpoint_auth_method` defaults to the entry's or to
 * `client_secret_basic` (RFC 7591 §2), and to `none` where there is no secret; `refresh_policy` to `proactive`.
 * Unknown members are ignored.
 *
 * @param version changes whenever `text` does
 * @param text JSON
 * @throws {MisconfiguredRegistration} naming every member at fault, and no value
 */
export function parseClientRegistration(
  name: RegistrationName,
  version: string,
  text: string,
): ClientRegistration {
  const registration = validated(json(secretCheck), text, (faults) =>
    misconfigured(name, faultsText(faults)),
  );
  return { name, version, ...registration };
}

/** @param reason for the operator; holds no secret */
export const misconfigured = (name: RegistrationName, reason: string): MisconfiguredRegistration =>
  new MisconfiguredRegistration(`Client registration ${name}: ${reason}.`);

/** A token endpoint has no fragment, RFC 6749 §3.2. A variable, `{subdomain}`, may stand anywhere. */
function isEndpoint(value: string): boolean {
  const url = URL.parse(value.replaceAll(/\{\w+\}/g, "x"));
  if (url === null || !["https:", "http:"].includes(url.protocol)) return false;
  return url.username === "" && url.password === "" && !value.includes("#");
}

/** RFC 8414 §2. */
const isIssuer = (value: string): boolean =>
  isEndpoint(value) && /^[\x21\x23-\x5b\x5d-\x7a\x7c\x7e]+$/.test(value) && !value.includes("?");

/** Checks the form alone. The address itself is checked before each call, with its variables filled. */
const url =
  (isUrl: (value: string) => boolean, expected: string): Check<string> =>
  (value, place) => {
    const text = string(value, place);
    if (text === invalid || isUrl(text)) return text;
    return place.reject("value_error", `expected ${expected}`);
  };

const endpointUrl = url(isEndpoint, "an http or https URL without user, password and fragment");

const statedMembers = validMembers({
  client_id: visible,
  client_secret: matching(
    /^[\x20-\x7e]+$/,
    "printable ASCII characters (does it end with a line break?)",
  ),
  token_endpoint_auth_method: oneOf(clientAuthenticationMethods),
  token_endpoint: endpointUrl,
  refresh_endpoint: endpointUrl,
  issuer: url(
    isIssuer,
    "an http or https URL without user, password, query, fragment and variables",
  ),
  refresh_policy: oneOf(refreshPolicies),
});

type Registration = Omit<ClientRegistration, "name" | "version">;

/** Continues after a fault with the members that are valid, so that one reading reports all faults. */
const secretCheck: Check<Registration> = (value, place) => {
  const secret = anyObject(value, place);
  if (secret === invalid) return invalid;
  const stated = statedMembers(secret, place);
  const { provider, endpoint, clientAuthentication, origins } = parseRegisteredProvider(
    secret,
    place,
  );
  const ownEndpoint = stated.refresh_endpoint ?? stated.token_endpoint;
  const tokenEndpointAuthMethod =
    stated.token_endpoint_auth_method ?? defaultMethod(stated.client_secret, clientAuthentication);
  const credentials = parseClientCredentials(secret, tokenEndpointAuthMethod, place);
  reportMissing(secret, place);
  const refreshPolicy = stated.refresh_policy ?? "proactive";
  if (refreshPolicy === "keepalive" && provider.refreshTokenIdleSeconds === undefined) {
    const text = "required by the refresh_policy keepalive";
    place.at("refresh_token_idle_seconds").reject("missing", text);
  }
  if (stated.client_id === undefined) return invalid;
  return {
    clientId: stated.client_id,
    clientSecret: stated.client_secret === undefined ? undefined : new Secret(stated.client_secret),
    tokenEndpointAuthMethod,
    authMethodIsAssumed: !stated.token_endpoint_auth_method && !clientAuthentication,
    ...credentials,
    issuer: stated.issuer,
    // A token_endpoint of the secret replaces both endpoints of the entry.
    tokenEndpoint: ownEndpoint ?? endpoint,
    ...(ownEndpoint === undefined && { providerOrigins: origins }),
    refreshPolicy,
    ...lifecycleOf(provider),
    provider,
  };
};

const lifecycleOf = (provider: RegisteredProvider) => ({
  refreshTokenIdleSeconds: provider.refreshTokenIdleSeconds,
  refreshTokenAbsoluteSeconds: provider.refreshTokenAbsoluteSeconds,
  rotation: provider.rotation === "setting" ? undefined : provider.rotation,
  rotationGraceSeconds: provider.rotationGraceSeconds,
  minimumRefreshIntervalSeconds: provider.minimumRefreshIntervalSeconds,
  maxConcurrent: provider.maxConcurrent,
  maxPerMinute: provider.maxPerMinute,
  renewsWithAccessToken: provider.renewsWith === "access_token",
});

/** A public client has no secret for an entry's method. */
const defaultMethod = (
  clientSecret: string | undefined,
  entryMethod: ClientAuthenticationMethod = "client_secret_basic",
): ClientAuthenticationMethod =>
  clientSecret === undefined && entryMethod.startsWith("client_secret_") ? "none" : entryMethod;

function reportMissing(secret: JsonObject, place: Place): void {
  if (secret.client_id === undefined) place.at("client_id").reject("missing", "required");
  const { token_endpoint, issuer, provider } = secret;
  if (token_endpoint !== undefined || issuer !== undefined || provider !== undefined) return;
  place.at("token_endpoint").reject("missing", "required, or issuer");
}
