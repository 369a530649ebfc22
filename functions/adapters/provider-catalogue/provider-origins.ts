import type { ProviderOrigins } from "../../domain/model/token-binding.ts";
import type { ProviderEntry, UrlVariable } from "./provider-entry.ts";

/**
 * The origins of a provider's token endpoints: those that the entry lists, and those that its endpoints have with
 * each choice of their variables. An endpoint whose host has a variable of another kind adds none: its values name
 * somebody's server, unless `originsBelow` says that the provider runs them all.
 */
export function providerOrigins({
  tokenEndpoint,
  refreshEndpoint,
  variables = {},
  origins = [],
  originsBelow: below,
}: Pick<
  ProviderEntry,
  "tokenEndpoint" | "refreshEndpoint" | "variables" | "origins" | "originsBelow"
>): ProviderOrigins {
  const endpoints = [tokenEndpoint, ...(refreshEndpoint === undefined ? [] : [refreshEndpoint])];
  const chosen = endpoints.flatMap((endpoint) =>
    authoritiesOf(authorityOf(endpoint), Object.entries(variables)),
  );
  return { origins: [...new Set([...origins, ...chosen.map((host) => `https://${host}`)])], below };
}

const authorityOf = (endpoint: string): string => endpoint.split("/")[2] ?? "";

/** The authority with every choice of its variables; none where a variable has no choices. */
function authoritiesOf(
  authority: string,
  [first, ...rest]: readonly (readonly [string, UrlVariable])[],
): readonly string[] {
  if (!authority.includes("{")) return [authority];
  if (first === undefined) return [];
  const [name, variable] = first;
  const choices = "choices" in variable ? variable.choices : [];
  const filled = authority.includes(`{${name}}`)
    ? choices.map((choice) => authority.replaceAll(`{${name}}`, choice))
    : [authority];
  return filled.flatMap((one) => authoritiesOf(one, rest));
}
