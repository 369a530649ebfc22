import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import {
  type Connection,
  type ConnectionId,
  type ConnectionStatus,
  connectionStatuses,
  type Failure,
  identifierPattern,
  type Lease,
  type RegistrationName,
  registrationNamePattern,
  type SealedTokenSet,
  type TakeOver,
  type WorkspaceId,
} from "../../domain/model/connection.ts";
import { type FailureCode, failureCodes } from "../../domain/model/errors.ts";
import { isoInstant, isoSecond } from "../../domain/model/instant.ts";
import type { Due } from "../../domain/ports/connection-store.ts";

export type Item = Readonly<Record<string, AttributeValue>>;

/** An item of the table that this service cannot have written: names the attribute, and no value. */
export class MalformedConnection extends Error {
  constructor(connectionId: string, attribute: string, expected: string) {
    super(`connection ${connectionId}: ${attribute}: expected ${expected}`);
    this.name = "MalformedConnection";
  }
}

/** @throws {MalformedConnection} */
export function connectionOf(item: Item): Connection {
  const read = reader(item);
  const connectionId = read.required("connection_id", read.identifier) as ConnectionId;
  const integration = read.required("integration", read.identifier);
  return {
    connectionId,
    workspaceId: read.required("workspace_id", read.identifier) as WorkspaceId,
    integration,
    registrationName: (read.registrationName("client_registration") ??
      `integrations/${integration}`) as RegistrationName,
    status: read.required("status", read.status),
    config: read.config("config"),
    credentials: read.string("credentials") as SealedTokenSet | undefined,
    credentialsVersion: read.count("credentials_version") ?? 0,
    expiresAtMs: read.instant("expires_at"),
    assumedExpiresAtMs: read.instant("assumed_expires_at"),
    refreshTokenExpiresAtMs: read.instant("refresh_token_expires_at"),
    refreshTokenAbsoluteExpiresAtMs: read.instant("refresh_token_absolute_expires_at"),
    lease: leaseOf(read),
    takeOver: takeOverOf(read),
    lastRefreshedAtMs: read.instant("last_refreshed_at"),
    lastForcedAtMs: read.count("last_forced_at_ms"),
    refreshAtMs: read.seconds("refresh_at"),
    failure: failureOf(item, connectionId),
  };
}

/** Both attributes or neither: a lease without an end would never be free again. */
function leaseOf(read: Reader): Lease | undefined {
  const leaseId = read.string("lease_id");
  if (leaseId === undefined) return undefined;
  return { leaseId, leaseExpiresAtMs: read.required("lease_expires_at_ms", read.count) };
}

function takeOverOf(read: Reader): TakeOver | undefined {
  const leaseId = read.string("takeover_of");
  if (leaseId === undefined) return undefined;
  return { leaseId, atMs: read.required("takeover_at_ms", read.count) };
}

function failureOf(item: Item, connectionId: ConnectionId): Failure | undefined {
  if (item.failure === undefined) return undefined;
  if (item.failure.M === undefined) {
    throw new MalformedConnection(connectionId, "failure", "a map");
  }
  const read = reader({ connection_id: { S: connectionId }, ...item.failure.M }, "failure.");
  return {
    code: read.required("code", read.failureCode),
    count: read.required("count", read.count),
    beganAtMs: read.required("began_at", read.instant),
    lastAtMs: read.required("last_at", read.instant),
    leaseId: read.required("lease_id", read.string),
    retryAtMs: read.instant("retry_at"),
    providerError: read.string("error"),
    providerErrorDescription: read.string("error_description"),
  };
}

export const failureItem = (failure: Failure): AttributeValue => ({
  M: withoutUndefined({
    code: { S: failure.code },
    count: { N: String(failure.count) },
    began_at: instantAttribute(failure.beganAtMs),
    last_at: instantAttribute(failure.lastAtMs),
    lease_id: { S: failure.leaseId },
    retry_at: optionalInstantAttribute(failure.retryAtMs),
    error: stringAttribute(failure.providerError),
    error_description: stringAttribute(failure.providerErrorDescription),
  }),
});

const instantAttribute = (instantMs: number): AttributeValue => ({ S: isoInstant(instantMs) });

const optionalInstantAttribute = (instantMs: number | undefined): AttributeValue | undefined =>
  instantMs === undefined ? undefined : instantAttribute(instantMs);

export const secondAttribute = (instantMs: number | undefined): AttributeValue | undefined =>
  instantMs === undefined ? undefined : { S: isoSecond(instantMs) };

/** The place in the index `due`; in whole seconds since the epoch. */
export const dueAttributes = ({ refreshShard, refreshAtMs }: Due) => ({
  refresh_shard: { N: String(refreshShard) },
  refresh_at: { N: String(Math.floor(refreshAtMs / 1000)) },
});

export const stringAttribute = (value: string | undefined): AttributeValue | undefined =>
  value === undefined ? undefined : { S: value };

export const withoutUndefined = <Value>(
  members: Readonly<Record<string, Value | undefined>>,
): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(members).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );

type Reader = ReturnType<typeof reader>;

/** Reads attributes by name, each undefined when absent. */
function reader(item: Item, path = "") {
  const malformed = (name: string, expected: string) =>
    new MalformedConnection(item.connection_id?.S ?? "without id", path + name, expected);

  const string = (name: string): string | undefined => {
    const attribute = item[name];
    if (attribute === undefined || attribute.NULL) return undefined;
    if (attribute.S === undefined) throw malformed(name, "a string");
    return attribute.S;
  };
  const matching = (name: string, pattern: RegExp, expected: string): string | undefined => {
    const value = string(name);
    if (value === undefined || pattern.test(value)) return value;
    throw malformed(name, expected);
  };
  const oneOf = <Value extends string>(
    name: string,
    values: readonly Value[],
  ): Value | undefined => {
    const value = string(name);
    const known = values.find((candidate) => candidate === value);
    if (known === undefined && value !== undefined) {
      throw malformed(name, `one of ${values.join(", ")}`);
    }
    return known;
  };

  return {
    string,
    identifier: (name: string) => matching(name, identifierPattern, "an identifier"),
    registrationName: (name: string) =>
      matching(name, registrationNamePattern, "the name of a client registration"),
    status: (name: string): ConnectionStatus | undefined => oneOf(name, connectionStatuses),
    failureCode: (name: string): FailureCode | undefined => oneOf(name, failureCodes),

    count(name: string): number | undefined {
      const attribute = item[name];
      if (attribute === undefined || attribute.NULL) return undefined;
      const value = Number(attribute.N);
      if (!Number.isSafeInteger(value) || value < 0) throw malformed(name, "a whole number");
      return value;
    },

    seconds(name: string): number | undefined {
      const value = this.count(name);
      return value === undefined ? undefined : value * 1000;
    },

    instant(name: string): number | undefined {
      const value = matching(name, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/, isoInstantWords);
      if (value === undefined) return undefined;
      const instantMs = Date.parse(value);
      if (Number.isNaN(instantMs)) throw malformed(name, isoInstantWords);
      return instantMs;
    },

    config(name: string): Readonly<Record<string, string>> {
      const attribute = item[name];
      if (attribute === undefined || attribute.NULL) return {};
      if (attribute.M === undefined) throw malformed(name, "a map");
      const strings = Object.entries(attribute.M).flatMap(([key, { S, N }]) => {
        const value = S ?? N;
        return value === undefined ? [] : [[key, value] as const];
      });
      return Object.fromEntries(strings);
    },

    required<Value>(name: string, readOne: (name: string) => Value | undefined): Value {
      const value = readOne(name);
      if (value === undefined) throw malformed(name, "a value");
      return value;
    },
  };
}

const isoInstantWords = "an ISO 8601 instant in UTC";
