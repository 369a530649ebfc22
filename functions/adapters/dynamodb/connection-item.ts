import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import {
  type Connection,
  connectionStatuses,
  type Failure,
  type Lease,
  type RegistrationName,
  type SealedTokenSet,
  type TakeOver,
} from "../../domain/model/connection.ts";
import { failureCodes } from "../../domain/model/errors.ts";
import type { Due } from "../../domain/ports/connection-store.ts";
import {
  type Check,
  type Checked,
  type Fault,
  faultsText,
  invalid,
  validated,
} from "../../validation/check.ts";
import {
  connectionIdCheck,
  identifier,
  registrationNameCheck,
  workspaceIdCheck,
} from "../../validation/identifiers.ts";
import {
  anyObject,
  isObject,
  optional,
  refined,
  withDefault,
} from "../../validation/structures.ts";
import { instant, oneOf, satisfying, string, wholeNumber } from "../../validation/values.ts";
import { isPacked } from "../kms/packed-jwe.ts";
import {
  attributes,
  type Item,
  instantAttribute,
  numberAttribute,
  stringAttribute,
  withoutUndefined,
} from "./attributes.ts";

/** The item is not one that this service writes. The message names every attribute at fault, and no value. */
export class MalformedConnection extends Error {
  constructor(connectionId: string, faults: readonly Fault[]) {
    super(`connection ${connectionId}: ${faultsText(faults)}`);
    this.name = "MalformedConnection";
  }
}

const isSealedTokenSet = (value: unknown): value is SealedTokenSet => typeof value === "string";

/** Strings and numbers, as strings; attributes of other types are left out. */
const config: Check<Connection["config"]> = (value, place) => {
  const map = anyObject(value, place);
  if (map === invalid) return invalid;
  const entries = Object.entries(map).flatMap(([name, attribute]) => {
    const { S: text, N: digits } = isObject(attribute) ? attribute : {};
    const stated = text ?? digits;
    return typeof stated === "string" ? [[name, stated]] : [];
  });
  return Object.fromEntries(entries);
};

const failureCheck = attributes({
  code: oneOf(failureCodes),
  count: wholeNumber,
  began_at: instant,
  last_at: instant,
  lease_id: string,
  retry_at: optional(instant),
  error: optional(string),
  error_description: optional(string),
});

const itemCheck = refined(
  attributes({
    connection_id: connectionIdCheck,
    workspace_id: workspaceIdCheck,
    integration: identifier,
    client_registration: optional(registrationNameCheck),
    status: oneOf(connectionStatuses),
    config: withDefault(config, {}),
    credentials: optional(satisfying(isSealedTokenSet, "a string or bytes")),
    credentials_version: withDefault(wholeNumber, 0),
    expires_at: optional(instant),
    assumed_expires_at: optional(instant),
    refresh_token_expires_at: optional(instant),
    refresh_token_absolute_expires_at: optional(instant),
    lease_id: optional(string),
    lease_expires_at_ms: optional(wholeNumber),
    takeover_of: optional(string),
    takeover_at_ms: optional(wholeNumber),
    last_refreshed_at: optional(instant),
    last_forced_at_ms: optional(wholeNumber),
    refresh_at: optional(wholeNumber),
    failure: optional(failureCheck),
  }),
  // A lease without an end would never be free again, and a take-over without a time would never come.
  (item, place) => {
    if (item.lease_id !== undefined && item.lease_expires_at_ms === undefined) {
      place.at("lease_expires_at_ms").reject("missing", "required");
    }
    if (item.takeover_of !== undefined && item.takeover_at_ms === undefined) {
      place.at("takeover_at_ms").reject("missing", "required");
    }
  },
);

/** @throws {MalformedConnection} */
export function connectionOf(item: Item): Connection {
  const { connection_id: { S: id = "without id" } = {} } = item;
  const read = validated(itemCheck, item, (faults) => new MalformedConnection(id, faults));
  const { refresh_at: refreshAt } = read;
  return {
    connectionId: read.connection_id,
    workspaceId: read.workspace_id,
    integration: read.integration,
    registrationName: read.client_registration ?? registrationOf(read.integration),
    status: read.status,
    config: read.config,
    credentials: read.credentials,
    credentialsVersion: read.credentials_version,
    expiresAtMs: read.expires_at,
    assumedExpiresAtMs: read.assumed_expires_at,
    refreshTokenExpiresAtMs: read.refresh_token_expires_at,
    refreshTokenAbsoluteExpiresAtMs: read.refresh_token_absolute_expires_at,
    lease: leaseOf(read.lease_id, read.lease_expires_at_ms),
    takeOver: takeOverOf(read.takeover_of, read.takeover_at_ms),
    lastRefreshedAtMs: read.last_refreshed_at,
    lastForcedAtMs: read.last_forced_at_ms,
    refreshAtMs: refreshAt === undefined ? undefined : refreshAt * 1000,
    failure: read.failure && failureOf(read.failure),
  };
}

const leaseOf = (leaseId?: string, leaseExpiresAtMs?: number): Lease | undefined =>
  leaseId === undefined || leaseExpiresAtMs === undefined
    ? undefined
    : { leaseId, leaseExpiresAtMs };

const takeOverOf = (leaseId?: string, atMs?: number): TakeOver | undefined =>
  leaseId === undefined || atMs === undefined ? undefined : { leaseId, atMs };

const registrationOf = (integration: string): RegistrationName =>
  `integrations/${integration}` as RegistrationName;

const failureOf = (failure: Checked<typeof failureCheck>): Failure => ({
  code: failure.code,
  count: failure.count,
  beganAtMs: failure.began_at,
  lastAtMs: failure.last_at,
  leaseId: failure.lease_id,
  retryAtMs: failure.retry_at,
  providerError: failure.error,
  providerErrorDescription: failure.error_description,
});

export const failureItem = (failure: Failure): AttributeValue => ({
  M: withoutUndefined({
    code: stringAttribute(failure.code),
    count: numberAttribute(failure.count),
    began_at: instantAttribute(failure.beganAtMs),
    last_at: instantAttribute(failure.lastAtMs),
    lease_id: stringAttribute(failure.leaseId),
    retry_at: instantAttribute(failure.retryAtMs),
    error: stringAttribute(failure.providerError),
    error_description: stringAttribute(failure.providerErrorDescription),
  }),
});

/** The connection's place in the index `due`, in whole seconds since the epoch. */
export const dueAttributes = ({ refreshShard, refreshAtMs }: Due) => ({
  refresh_shard: numberAttribute(refreshShard),
  refresh_at: numberAttribute(Math.floor(refreshAtMs / 1000)),
});

/** A packed JWE is stored as bytes, a compact one as a string: adapters/kms/packed-jwe.ts. */
export const credentialsAttribute = (sealed: SealedTokenSet): AttributeValue =>
  isPacked(sealed) ? { B: Buffer.from(sealed, "base64url") } : { S: sealed };
