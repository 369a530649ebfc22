import {
  type Checks,
  filledList,
  isJsonObject,
  knownMembers,
  matching,
  namedValues,
  oneOf,
  snakeCase,
} from "../json/json-checks.ts";
import type { ProviderBehaviour } from "./provider-entry.ts";
import {
  aboveZero,
  errorRule,
  failureFlag,
  memberName,
  memberPath,
  parameterValue,
  status,
  tokenEnd,
  urlVariable,
  visible,
  zeroOrMore,
} from "./provider-field-checks.ts";

/** What a registration's secret may replace of a catalogue entry, beside endpoints and client authentication. */
export type ReplaceableBehaviour = Omit<
  ProviderBehaviour,
  "refreshEndpoint" | "tokenEndpointAuthMethod"
>;

const variableName = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const parameterName = matching(/^[\x21-\x7e]{1,128}$/, "1 to 128 printable ASCII characters");
/** RFC 9110 §5.1; without those that frame the message, and the ones that authenticate the client. */
const headerName =
  /^(?!(?:host|connection|keep-alive|content-(?:length|type|encoding)|transfer-encoding|te|trailer|upgrade|expect|authorization|accept-encoding|dpop)$)[!#$%&'*+.^_`|~0-9a-z-]{1,64}$/i;

/** Every field, with what its value has to be. */
const checks: Checks<ReplaceableBehaviour> = {
  variables: namedValues(variableName, urlVariable),
  method: oneOf(["GET", "POST"]),
  parametersIn: oneOf(["form", "json", "query"]),
  grantType: visible,
  renewsWith: oneOf(["refresh_token", "access_token"]),
  tokenParameter: parameterName,
  clientIdParameter: parameterName,
  clientSecretParameter: parameterName,
  parameters: namedValues(/^[\x21-\x7e]{1,128}$/, parameterValue),
  headers: namedValues(headerName, visible),
  basicCredentials: oneOf(["form", "raw"]),
  tokensAt: memberPath,
  accessTokenMember: memberName,
  refreshTokenMember: memberName,
  scopeMember: memberName,
  scopeSeparator: oneOf(["space", "comma"]),
  accessTokenEnd: tokenEnd,
  refreshTokenEnd: tokenEnd,
  successStatuses: filledList(status),
  failureFlag,
  errorAt: memberPath,
  errorTextAt: memberPath,
  errors: filledList(errorRule),
  rotation: oneOf(["always", "sometimes", "never", "setting"]),
  rotationGraceSeconds: zeroOrMore,
  refreshTokenIdleSeconds: aboveZero,
  refreshTokenAbsoluteSeconds: aboveZero,
  accessTokenLifetimeSeconds: aboveZero,
  minimumRefreshIntervalSeconds: aboveZero,
  maxPerMinute: aboveZero,
  maxConcurrent: aboveZero,
};

/** The names that the fields have in a secret. */
export const replaceableMembers: readonly string[] = Object.keys(checks).map(snakeCase);

/** Whose members have names of somebody else's. */
const namedFields: readonly string[] = ["variables", "parameters", "headers"];

/** An entry as a secret would state it: its fields in snake_case. */
export const secretMembersOf = (entry: ProviderBehaviour): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(entry).map(([field, value]) => [
      snakeCase(field),
      namedFields.includes(field)
        ? Object.fromEntries(
            Object.entries(value).map(([name, inner]) => [name, inSnakeCase(inner)]),
          )
        : inSnakeCase(value),
    ]),
  );

function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [snakeCase(name), inSnakeCase(inner)]),
  );
}

/**
 * An entry's behaviour, with what a registration's secret replaces of it. Null sets a field back to what
 * RFC 6749 has.
 *
 * @param entry of the catalogue; {} where the provider is not in it
 * @param faults is given every member at fault, without its value
 */
export function replaceBehaviour(
  entry: ProviderBehaviour,
  secret: Readonly<Record<string, unknown>>,
  faults: string[],
): ReplaceableBehaviour {
  const stated = Object.entries(secret).filter(([, value]) => value !== null);
  const kept = Object.entries(entry).filter(
    ([field]) => Object.hasOwn(checks, field) && secret[snakeCase(field)] !== null,
  );
  return {
    ...Object.fromEntries(kept),
    ...knownMembers(checks, Object.fromEntries(stated), (name) => name, faults),
  };
}
