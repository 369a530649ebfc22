import type {
  ClientAuthenticationMethod,
  ClientRegistration,
  ProviderTraits,
} from "../../domain/ports/client-registration.ts";
import { isJsonObject } from "../json/json-checks.ts";
import { nearNamesHint } from "../json/suggestions.ts";
import { providers } from "../provider-catalogue/catalogue.ts";
import type { ProviderEntry } from "../provider-catalogue/provider-entry.ts";
import {
  type ReplaceableBehaviour,
  replaceBehaviour,
} from "../provider-catalogue/provider-fields.ts";
import { ownValue } from "../provider-catalogue/stated-values.ts";

/** A provider as one client registration knows it: its catalogue entry, with what the secret replaces of it. */
export interface RegisteredProvider extends ReplaceableBehaviour, ProviderTraits {
  /** Of the catalogue entry; undefined: the provider is not in the catalogue. */
  readonly entryName?: string;
  /** Stands in for what a connection's `config` does not state. @default {} */
  readonly config?: Readonly<Record<string, string>>;
}

/** What {@link parseRegisteredProvider} made of the secret, and the domain has carried unseen. */
export const registeredProvider = ({
  provider,
}: Pick<ClientRegistration, "provider">): RegisteredProvider => provider;

export interface ParsedProvider {
  readonly provider: RegisteredProvider;
  /** Where refresh tokens are exchanged, unless the secret says so. */
  readonly endpoint: string | undefined;
  readonly clientAuthentication: ClientAuthenticationMethod | undefined;
}

/** {@link providers}, to be asked for any name. */
export const catalogue: Readonly<Record<string, ProviderEntry>> = providers;

/** Members of a secret that are values of the `config` as well: parameters may be filled from them. */
export const configMembers = ["redirect_uri", "scope", "resource", "audience", "tenant"] as const;

/**
 * Reads the members of a registration's secret that are about the provider.
 *
 * @param faults is given every member at fault, without its value
 */
export function parseRegisteredProvider(
  secret: Readonly<Record<string, unknown>>,
  faults: string[],
): ParsedProvider {
  const entry = entryOf(secret, faults);
  const config = configOf(secret, faults);
  const provider: RegisteredProvider = {
    ...(entry && { entryName: String(secret.provider) }),
    ...replaceBehaviour(entry ?? {}, secret, faults),
    ...(Object.keys(config).length > 0 && { config }),
  };
  if (provider.accessTokenEnd?.as === "fixed" && !provider.accessTokenLifetimeSeconds) {
    faults.push("access_token_lifetime_seconds: required by the access_token_end fixed");
  }
  return {
    provider,
    endpoint: entry?.refreshEndpoint ?? entry?.tokenEndpoint,
    clientAuthentication: entry?.tokenEndpointAuthMethod,
  };
}

function entryOf(
  { provider: name }: Readonly<Record<string, unknown>>,
  faults: string[],
): ProviderEntry | undefined {
  if (name === undefined) return undefined;
  const entry = typeof name === "string" ? ownValue(catalogue, name) : undefined;
  if (entry !== undefined) return entry;
  const hint = typeof name === "string" ? nearNamesHint(name, Object.keys(catalogue)) : "";
  faults.push(`provider: the catalogue has no entry of this name${hint}`);
  return undefined;
}

function configOf(
  secret: Readonly<Record<string, unknown>>,
  faults: string[],
): Readonly<Record<string, string>> {
  const { config = {} } = secret;
  if (!isJsonObject(config)) faults.push("config: has to be an object");
  const ownMembers = configMembers
    .filter((name) => Object.hasOwn(secret, name))
    .map((name) => [name, secret[name]]);
  const stated = { ...Object.fromEntries(ownMembers), ...(isJsonObject(config) ? config : {}) };
  for (const [name, value] of Object.entries(stated)) {
    if (typeof value === "string" && /^[\x20-\x7e]+$/.test(value)) continue;
    const isMember = !(isJsonObject(config) && Object.hasOwn(config, name));
    faults.push(`${isMember ? name : `config.${name}`}: has to be printable ASCII characters`);
  }
  return stated;
}
