import type { Place } from "../../validation/check.ts";
import {
  type ChecksOf,
  filledList,
  isObject,
  type JsonObject,
  record,
  validMembers,
} from "../../validation/structures.ts";
import { matching, oneOf, wholeNumber } from "../../validation/values.ts";
import type { ProviderBehaviour } from "./provider-entry.ts";
import {
  aboveZero,
  errorRules,
  failureFlag,
  memberName,
  memberPath,
  parameterValue,
  status,
  tokenEnd,
  urlVariable,
  visible,
} from "./provider-field-checks.ts";
import { snakeCase } from "./snake-case.ts";

/** The fields of a catalogue entry that a registration's secret may replace, beside endpoints and client authentication. */
export type ReplaceableBehaviour = Omit<
  ProviderBehaviour,
  "refreshEndpoint" | "tokenEndpointAuthMethod"
>;

const variableName = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const parameterName = matching(/^[\x21-\x7e]{1,128}$/, "1 to 128 printable ASCII characters");
/** RFC 9110 §5.1, without the headers that frame the message and those that authenticate the client. */
const headerName =
  /^(?!(?:host|connection|keep-alive|content-(?:length|type|encoding)|transfer-encoding|te|trailer|upgrade|expect|authorization|accept-encoding|dpop)$)[!#$%&'*+.^_`|~0-9a-z-]{1,64}$/i;

/** Every field has a check: the compiler asks for it. */
const checks: ChecksOf<ReplaceableBehaviour> = {
  variables: record(variableName, urlVariable),
  method: oneOf(["GET", "POST"]),
  parametersIn: oneOf(["form", "json", "query"]),
  grantType: visible,
  renewsWith: oneOf(["refresh_token", "access_token"]),
  tokenParameter: parameterName,
  clientIdParameter: parameterName,
  clientSecretParameter: parameterName,
  parameters: record(/^[\x21-\x7e]{1,128}$/, parameterValue),
  headers: record(headerName, visible),
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
  errors: errorRules,
  rotation: oneOf(["always", "sometimes", "never", "setting"]),
  rotationGraceSeconds: wholeNumber,
  refreshTokenIdleSeconds: aboveZero,
  refreshTokenAbsoluteSeconds: aboveZero,
  accessTokenLifetimeSeconds: aboveZero,
  minimumRefreshIntervalSeconds: aboveZero,
  rateLimitConcerns: oneOf(["connection", "integration"]),
  maxPerMinute: aboveZero,
  maxConcurrent: aboveZero,
};

/** The names of the fields in a secret. */
export const replaceableMembers: readonly string[] = Object.keys(checks).map(snakeCase);

/** The fields whose members have names that others have given: these stay as they are. */
const namedFields: readonly string[] = ["variables", "parameters", "headers"];

/** An entry in the form of a secret: its fields in snake_case. */
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
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [snakeCase(name), inSnakeCase(inner)]),
  );
}

const statedFields = validMembers(checks, snakeCase);

/**
 * An entry's behaviour, with the fields that a registration's secret replaces. Null sets a field back to the
 * default of RFC 6749.
 *
 * @param entry of the catalogue; {} where the provider is not in it
 * @param place of the secret: every member at fault is reported there
 */
export function replaceBehaviour(
  entry: ProviderBehaviour,
  secret: JsonObject,
  place: Place,
): ReplaceableBehaviour {
  const stated = Object.entries(secret).filter(([, value]) => value !== null);
  const kept = Object.entries(entry).filter(
    ([field]) => Object.hasOwn(checks, field) && secret[snakeCase(field)] !== null,
  );
  return { ...Object.fromEntries(kept), ...statedFields(Object.fromEntries(stated), place) };
}
