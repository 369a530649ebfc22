import { type AttributeValue, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import {
  type Connection,
  type ConnectionKey,
  nextVersion,
  type RegistrationName,
  type SealedTokenSet,
} from "../../domain/model/connection.ts";
import { isoSecond } from "../../domain/model/instant.ts";
import type { Due } from "../../domain/ports/connection-store.ts";
import { numberAttribute, secondAttribute, stringAttribute } from "./attributes.ts";
import { isNotDeleted, leaseIsDead, leaseIsFree, versionIs } from "./connection-conditions.ts";
import { connectionOf, credentialsAttribute, dueAttributes } from "./connection-item.ts";
import { belongsTo, connectionIn, readItem, update } from "./connection-update.ts";
import { type DynamoDbTable, unlessConditionFails } from "./table-requests.ts";
import { connectionTimeToLive } from "./tables.ts";
import { allOf, anyOf, clause, setOrRemove, updateExpressions } from "./update-expression.ts";

/** A connection, and a token set that is sealed for its key. */
export interface ConnectionDraft extends ConnectionKey {
  readonly integration: string;
  /** Undefined: the registration of the integration. */
  readonly registrationName: RegistrationName | undefined;
  readonly label: string | undefined;
  readonly userId: string | undefined;
  readonly config: Readonly<Record<string, string>>;
  /** The stored version that was read. Undefined: there was no such connection. */
  readonly expectedVersion: number | undefined;
  /** The version that `credentials` are sealed for: `nextVersion` of the stored one. */
  readonly version: number;
  readonly credentials: SealedTokenSet;
  readonly expiresAtMs: number | undefined;
  readonly assumedExpiresAtMs: number | undefined;
  readonly refreshTokenExpiresAtMs: number | undefined;
  readonly refreshTokenAbsoluteExpiresAtMs: number | undefined;
  readonly due: Due | undefined;
  readonly putAtMs: number;
}

/** A connection, with the members that a refresh does not need. */
export interface DescribedConnection extends Connection {
  readonly label: string | undefined;
  readonly userId: string | undefined;
  readonly createdAtMs: number | undefined;
  readonly updatedAtMs: number | undefined;
}

/** For the platform team. Every method rejects with `StoreUnavailable` as the store does. */
export interface ConnectionAdmin {
  /**
   * Creates a connection, or replaces its credentials. The version grows, so that a refresh of the former credentials
   * that is under way discards its result.
   *
   * @throws {ForeignConnection}
   * @throws {ConnectionChanged}
   */
  put(draft: ConnectionDraft): Promise<PutOutcome>;
  describe(key: ConnectionKey): Promise<DescribedConnection | undefined>;
  /** The version of the stored token set, or of what its delete has left: the next one has to be greater. */
  storedVersion(key: ConnectionKey): Promise<StoredVersion | undefined>;
  /** Sets the status, and makes the connection due. `absent`: there is no such connection. */
  setStatus(key: ConnectionKey, change: StatusChange): Promise<"done" | "absent">;
  /**
   * Deletes a connection. Its id, workspace and version stay for a time, so that nothing that comes back,
   * from a refresh, the rescue queue or the log, is stored again. `refreshing`: another caller holds its lease.
   */
  delete(key: ConnectionKey, nowMs: number): Promise<"deleted" | "absent" | "refreshing">;
}

export type PutOutcome = "created" | "replaced";

export interface StoredVersion {
  readonly version: number;
  readonly isDeleted: boolean;
}

export interface StatusChange {
  readonly status: "active" | "inactive";
  /** The stored failure is forgotten. */
  readonly clearsFailure: boolean;
  /** Undefined: the schedule stays as it is. */
  readonly due: Due | undefined;
  readonly changedAtMs: number;
}

/** The log's last resort is the longest way back, and is kept for up to a year by most. */
const tombstoneMs = 400 * 24 * 3_600_000;

/** The id is the one of another workspace's connection. */
export class ForeignConnection extends Error {
  constructor({ connectionId }: ConnectionKey) {
    super(`connection ${connectionId} belongs to another workspace`);
    this.name = "ForeignConnection";
  }
}

/** The connection was refreshed or replaced after it was read. */
export class ConnectionChanged extends Error {
  constructor({ connectionId }: ConnectionKey) {
    super(
      `connection ${connectionId} changed while it was being replaced, and nothing is stored. Run the command again`,
    );
    this.name = "ConnectionChanged";
  }
}

export const dynamoDbConnectionAdmin = (table: DynamoDbTable): ConnectionAdmin => ({
  async put(draft) {
    const outcome = draft.expectedVersion === undefined ? "created" : "replaced";
    const command = putCommand(table.tableName, draft);
    const written = await unlessConditionFails(() => table.client.send(command));
    if (written !== undefined) return outcome;
    const item = await readItem(table, draft);
    if (item !== undefined && item.workspace_id?.S !== draft.workspaceId) {
      throw new ForeignConnection(draft);
    }
    // A repetition by the SDK, after a response that was lost.
    if (item !== undefined && connectionOf(item).credentials === draft.credentials) {
      return outcome;
    }
    throw new ConnectionChanged(draft);
  },

  async storedVersion(key) {
    const item = await readItem(table, key);
    if (item?.workspace_id?.S !== key.workspaceId) return undefined;
    const version = Number(item.credentials_version?.N ?? 0);
    return { version, isDeleted: item.deleted_at !== undefined };
  },

  async setStatus(key, { status, clearsFailure, due, changedAtMs }) {
    const updated = await update(table, key, {
      set: {
        status: { S: status },
        updated_at: { S: isoSecond(changedAtMs) },
        ...(due && dueAttributes(due)),
      },
      remove: clearsFailure ? ["failure"] : [],
      ignoresConflict: true,
    });
    return updated.kind === "updated" ? "done" : "absent";
  },

  async delete(key, nowMs) {
    const item = await readItem(table, key);
    const isThere = item?.workspace_id?.S === key.workspaceId && item.deleted_at === undefined;
    if (!isThere) return "absent";
    // A malformed item can be deleted as well, so it is not read as a connection.
    const version = Number(item.credentials_version?.N ?? 0);
    const kept = ["connection_id", "workspace_id", "credentials_version"];
    const updated = await update(table, key, {
      set: {
        deleted_at: { S: isoSecond(nowMs) },
        credentials_version: numberAttribute(nextVersion(version, nowMs)),
        [connectionTimeToLive]: numberAttribute(Math.floor((nowMs + tombstoneMs) / 1000)),
      },
      remove: Object.keys(item).filter((name) => !kept.includes(name)),
      condition: [versionIs(version), anyOf(leaseIsFree, leaseIsDead(nowMs))],
    });
    if (updated.kind !== "declined") return updated.kind === "updated" ? "deleted" : "absent";
    return "refreshing";
  },

  async describe(key) {
    const item = await readItem(table, key);
    const connection = connectionIn(item, key);
    if (item === undefined || connection === undefined) return undefined;
    return {
      ...connection,
      label: item.label?.S,
      userId: item.user_id?.S,
      createdAtMs: instantMs(item.created_at?.S),
      updatedAtMs: instantMs(item.updated_at?.S),
    };
  },
});

const instantMs = (instant: string | undefined): number | undefined =>
  instant === undefined ? undefined : Date.parse(instant);

function putCommand(tableName: string, draft: ConnectionDraft): UpdateItemCommand {
  const { expectedVersion } = draft;
  return new UpdateItemCommand({
    TableName: tableName,
    Key: { connection_id: { S: draft.connectionId } },
    ...updateExpressions({
      ...setOrRemove(attributesOf(draft)),
      assign: [
        clause("created_at = if_not_exists(created_at, :now)", {
          ":now": { S: isoSecond(draft.putAtMs) },
        }),
      ],
      condition:
        expectedVersion === undefined
          ? [
              anyOf(
                clause("attribute_not_exists(connection_id)"),
                allOf(belongsTo(draft.workspaceId), clause("attribute_exists(deleted_at)")),
              ),
            ]
          : [belongsTo(draft.workspaceId), isNotDeleted, versionIs(expectedVersion)],
    }),
  });
}

/** An undefined attribute is removed. */
const attributesOf = (draft: ConnectionDraft): Record<string, AttributeValue | undefined> => ({
  workspace_id: { S: draft.workspaceId },
  integration: { S: draft.integration },
  client_registration: stringAttribute(draft.registrationName),
  label: stringAttribute(draft.label),
  user_id: stringAttribute(draft.userId),
  config: {
    M: Object.fromEntries(
      Object.entries(draft.config).map(([name, value]) => [name, { S: value }]),
    ),
  },
  status: { S: "active" },
  credentials: credentialsAttribute(draft.credentials),
  credentials_version: numberAttribute(draft.version),
  expires_at: secondAttribute(draft.expiresAtMs),
  assumed_expires_at: secondAttribute(draft.assumedExpiresAtMs),
  refresh_token_expires_at: secondAttribute(draft.refreshTokenExpiresAtMs),
  refresh_token_absolute_expires_at: secondAttribute(draft.refreshTokenAbsoluteExpiresAtMs),
  refresh_shard: undefined,
  refresh_at: undefined,
  ...(draft.due && dueAttributes(draft.due)),
  updated_at: secondAttribute(draft.putAtMs),
  // These describe the former credentials.
  last_refreshed_at: undefined,
  lease_id: undefined,
  lease_expires_at_ms: undefined,
  takeover_of: undefined,
  takeover_at_ms: undefined,
  last_forced_at_ms: undefined,
  failure: undefined,
  deleted_at: undefined,
  [connectionTimeToLive]: undefined,
});
