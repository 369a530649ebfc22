import type { ProviderOrigins } from "../../domain/model/token-binding.ts";
import type {
  ClientAuthenticationMethod,
  ClientRegistration,
  ProviderTraits,
} from "../../domain/ports/client-registration.ts";
import { invalid, type Place } from "../../validation/check.ts";
import { type JsonObject, record, validMembers, withDefault } from "../../validation/structures.ts";
import { providers } from "../provider-catalogue/catalogue.ts";
import type { ProviderEntry } from "../provider-catalogue/provider-entry.ts";
import { visible } from "../provider-catalogue/provider-field-checks.ts";
import {
  type ReplaceableBehaviour,
  replaceBehaviour,
} from "../provider-catalogue/provider-fields.ts";
import { providerOrigins } from "../provider-catalogue/provider-origins.ts";
import { ownValue } from "../provider-catalogue/stated-values.ts";
import { suggestionText } from "../provider-catalogue/suggestions.ts";

/** The provider of one client registration: its catalogue entry, with the fields that the secret replaces. */
export interface RegisteredProvider extends ReplaceableBehaviour, ProviderTraits {
  /** The name of the catalogue entry. Absent: the provider is not in the catalogue. */
  readonly entryName?: string;
  /** Values for members that a connection's `config` does not have. @default {} */
  readonly config?: Readonly<Record<string, string>>;
}

/** The provider that {@link parseRegisteredProvider} read, and that is opaque to the domain. */
export const registeredProvider = ({
  provider,
}: Pick<ClientRegistration, "provider">): RegisteredProvider => provider;

export interface ParsedProvider {
  readonly provider: RegisteredProvider;
  /** Where refresh tokens are exchanged, unless the secret states another endpoint. */
  readonly endpoint: string | undefined;
  readonly clientAuthentication: ClientAuthenticationMethod | undefined;
  /** Undefined: the provider is not in the catalogue, or the secret replaces the variables of its endpoint. */
  readonly origins: ProviderOrigins | undefined;
}

/** {@link providers}, for look-ups of any name. */
export const catalogue: Readonly<Record<string, ProviderEntry>> = providers;

const configMemberChecks = {
  redirect_uri: visible,
  scope: visible,
  resource: visible,
  audience: visible,
  tenant: visible,
};

/** Members of a secret that count as values of its `config` too: parameters may take their values from them. */
export const configMembers: readonly string[] = Object.keys(configMemberChecks);

const ownConfig = validMembers(configMemberChecks);
const configCheck = withDefault(record(/^/, visible), {});

/** Reads the members of a registration's secret that describe the provider. */
export function parseRegisteredProvider(secret: JsonObject, place: Place): ParsedProvider {
  const entry = entryOf(secret, place);
  const config = configOf(secret, place);
  const provider: RegisteredProvider = {
    ...(entry && { entryName: String(secret.provider) }),
    ...replaceBehaviour(entry ?? {}, secret, place),
    ...(Object.keys(config).length > 0 && { config }),
  };
  if (provider.accessTokenEnd?.as === "fixed" && !provider.accessTokenLifetimeSeconds) {
    const text = "required by the access_token_end fixed";
    place.at("access_token_lifetime_seconds").reject("missing", text);
  }
  return {
    provider,
    endpoint: entry?.refreshEndpoint ?? entry?.tokenEndpoint,
    clientAuthentication: entry?.tokenEndpointAuthMethod,
    // Variables of the secret's own could make another endpoint of the entry's.
    origins: entry && secret.variables === undefined ? providerOrigins(entry) : undefined,
  };
}

function entryOf({ provider: name }: JsonObject, place: Place): ProviderEntry | undefined {
  if (name === undefined) return undefined;
  const entry = typeof name === "string" ? ownValue(catalogue, name) : undefined;
  if (entry !== undefined) return entry;
  const hint = typeof name === "string" ? suggestionText(name, Object.keys(catalogue)) : "";
  const text = `the catalogue has no entry of this name${hint}`;
  place.at("provider").reject("value_error", text);
  return undefined;
}

function configOf(secret: JsonObject, place: Place): Readonly<Record<string, string>> {
  const config = configCheck(secret.config, place.at("config"));
  return { ...ownConfig(secret, place), ...(config !== invalid && config) };
}
