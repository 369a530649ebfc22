import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import {
  type Connection,
  type ConnectionKey,
  type ConnectionStatus,
  statusAfterRefresh,
} from "../domain/connection.ts";
import { StoreUnavailable } from "../domain/errors.ts";
import type {
  Acquisition,
  ConnectionStore,
  FailureRecord,
  Fenced,
  LeaseRequest,
  TokenSetCommit,
} from "../domain/ports.ts";
import { asStoreUnavailable } from "./aws-clients.ts";
import {
  connectionOf,
  failureItem,
  type Item,
  isoInstant,
  isoSecond,
  secondAttribute,
  withoutUndefined,
} from "./dynamodb-connection-item.ts";

export interface DynamoDbConnectionStoreOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

/**
 * Connections in a DynamoDB table, one item each.
 *
 *     acquire            lease_expires_at_ms        another caller may acquire
 *     ├──── holder refreshes ───┤┄┄┄┄┄ lease is dead ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶
 *     commit: whenever credentials_version is the one that was read
 */
export function dynamoDbConnectionStore(options: DynamoDbConnectionStoreOptions): ConnectionStore {
  return {
    read: (key) => read(options, key),
    acquireLease: (request) => acquireLease(options, request),
    commit: (commit) => commitTokenSet(options, commit),
    recordFailure: (record) => recordFailure(options, record),
    releaseLease: (key, leaseId) => releaseLease(options, key, leaseId),
  };
}

const belongsToWorkspace = "workspace_id = :workspaceId";
const leaseIsFree = "attribute_not_exists(lease_id)";
const leaseIsDead = "lease_expires_at_ms <= :nowMs";
const leaseIsMine = "lease_id = :leaseId";
const isRefreshable = "NOT #status IN (:inactive, :expired)";
const neverRefreshed = "attribute_not_exists(last_refreshed_at)";
const refreshedLongAgo = "last_refreshed_at <= :refreshedBefore";
const versionStands = "credentials_version = :expectedVersion";
const neverVersioned = "attribute_not_exists(credentials_version)";

async function read(
  { client, tableName }: DynamoDbConnectionStoreOptions,
  { connectionId, workspaceId }: ConnectionKey,
): Promise<Connection | undefined> {
  const command = new GetItemCommand({
    TableName: tableName,
    Key: { connection_id: { S: connectionId } },
    ConsistentRead: true,
  });
  const { Item: item } = await asStoreUnavailable("DynamoDB", () => client.send(command));
  return item?.workspace_id?.S === workspaceId ? connectionOf(item) : undefined;
}

async function acquireLease(
  options: DynamoDbConnectionStoreOptions,
  request: LeaseRequest,
): Promise<Acquisition> {
  const { leaseId, leaseExpiresAtMs, nowMs, refreshedBeforeMs } = request;
  const updated = await update(options, request, {
    set: { lease_id: { S: leaseId }, lease_expires_at_ms: { N: String(leaseExpiresAtMs) } },
    remove: [],
    condition: [
      `(${leaseIsFree} OR ${leaseIsDead})`,
      isRefreshable,
      ...(refreshedBeforeMs === undefined ? [] : [`(${neverRefreshed} OR ${refreshedLongAgo})`]),
    ],
    values: {
      ":nowMs": { N: String(nowMs) },
      ":inactive": { S: "inactive" },
      ":expired": { S: "expired" },
      ...(refreshedBeforeMs !== undefined && {
        ":refreshedBefore": { S: isoInstant(refreshedBeforeMs) },
      }),
    },
    returnNew: true,
  });
  if (updated.kind === "absent") return updated;
  const { connection } = updated;
  // A repetition by the SDK, after an answer that was lost, is declined by the lease that it took.
  const isMine = updated.kind === "updated" || connection.lease?.leaseId === leaseId;
  return { kind: isMine ? "acquired" : "declined", connection };
}

/** How often an owner may switch a connection while its tokens are committed. */
const maximumStatusChanges = 3;

async function commitTokenSet(
  options: DynamoDbConnectionStoreOptions,
  commit: TokenSetCommit,
): Promise<Fenced> {
  let { status } = commit;
  for (let changes = 0; changes < maximumStatusChanges; changes++) {
    const updated = await update(options, commit, tokenSetUpdate(commit, status));
    if (updated.kind === "absent") return updated;
    if (updated.kind === "updated") return { kind: "done" };
    const { connection } = updated;
    if (connection.credentials === commit.credentials) return { kind: "done" };
    if (connection.credentialsVersion !== commit.expectedVersion) {
      return { kind: "superseded", connection };
    }
    status = statusAfterRefresh(connection.status);
  }
  throw new StoreUnavailable("DynamoDB", new Error("the connection's status keeps changing"));
}

function tokenSetUpdate(commit: TokenSetCommit, status: ConnectionStatus): Update {
  const { expectedVersion, due, expiresAtMs, refreshTokenExpiresAtMs } = commit;
  const ownersWord =
    status === "active" ? "NOT #status IN (:inactive, :testing)" : "#status = :status";
  return {
    set: withoutUndefined<AttributeValue>({
      credentials: { S: commit.credentials },
      credentials_version: { N: String(expectedVersion + 1) },
      "#status": { S: status },
      expires_at: secondAttribute(expiresAtMs),
      refresh_token_expires_at: secondAttribute(refreshTokenExpiresAtMs),
      last_refreshed_at: { S: isoInstant(commit.committedAtMs) },
      updated_at: { S: isoSecond(commit.committedAtMs) },
      refresh_shard: due && { N: String(due.refreshShard) },
      refresh_at: due && { N: String(Math.floor(due.refreshAtMs / 1000)) },
    }),
    remove: [
      "lease_id",
      "lease_expires_at_ms",
      "failure",
      ...(expiresAtMs === undefined ? ["expires_at"] : []),
      ...(due === undefined ? ["refresh_shard", "refresh_at"] : []),
    ],
    condition: [versionIs(expectedVersion), ownersWord],
    values: {
      ":expectedVersion": { N: String(expectedVersion) },
      ...(status === "active"
        ? { ":inactive": { S: "inactive" }, ":testing": { S: "testing" } }
        : { ":status": { S: status } }),
    },
  };
}

async function recordFailure(
  options: DynamoDbConnectionStoreOptions,
  record: FailureRecord,
): Promise<Fenced> {
  const first = await update(options, record, failureUpdate(record, record.status));
  // What its owner has switched off meanwhile stays so: the failure alone is recorded.
  const updated =
    first.kind === "declined" && first.connection.status === "inactive" && stands(first, record)
      ? await update(options, record, failureUpdate(record, undefined))
      : first;
  if (updated.kind === "absent") return updated;
  if (updated.kind === "updated" || wasRecorded(updated.connection, record)) {
    return { kind: "done" };
  }
  return { kind: "superseded", connection: updated.connection };
}

const stands = ({ connection }: { connection: Connection }, record: FailureRecord): boolean =>
  connection.credentialsVersion === record.expectedVersion &&
  connection.lease?.leaseId === record.leaseId;

/** A repetition of a record that has been written, after an answer that was lost. */
const wasRecorded = (
  { failure, lease, credentialsVersion }: Connection,
  { leaseId, expectedVersion, keepLease }: FailureRecord,
): boolean =>
  failure?.leaseId === leaseId &&
  credentialsVersion === expectedVersion &&
  (keepLease || lease?.leaseId !== leaseId);

function failureUpdate(record: FailureRecord, status: ConnectionStatus | undefined): Update {
  const { failure, leaseId, expectedVersion, keepLease, unschedule } = record;
  return {
    set: withoutUndefined<AttributeValue>({
      failure: failureItem(failure),
      "#status": status && { S: status },
      updated_at: { S: isoSecond(failure.lastAtMs) },
    }),
    remove: [
      ...(keepLease ? [] : ["lease_id", "lease_expires_at_ms"]),
      ...(unschedule ? ["refresh_shard", "refresh_at"] : []),
    ],
    condition: [
      leaseIsMine,
      versionIs(expectedVersion),
      ...(status === undefined ? [] : ["#status <> :inactive"]),
    ],
    values: {
      ":leaseId": { S: leaseId },
      ":expectedVersion": { N: String(expectedVersion) },
      ...(status !== undefined && { ":inactive": { S: "inactive" } }),
    },
  };
}

async function releaseLease(
  options: DynamoDbConnectionStoreOptions,
  key: ConnectionKey,
  leaseId: string,
): Promise<void> {
  await update(options, key, {
    set: {},
    remove: ["lease_id", "lease_expires_at_ms"],
    condition: [leaseIsMine],
    values: { ":leaseId": { S: leaseId } },
    unread: true,
  });
}

/** A connection whose credentials were never committed has no version, which counts as 0. */
const versionIs = (expectedVersion: number): string =>
  expectedVersion === 0 ? `(${neverVersioned} OR ${versionStands})` : versionStands;

interface Update {
  /** Attributes by name; `#status` for `status`, a reserved word. */
  readonly set: Readonly<Record<string, AttributeValue>>;
  readonly remove: readonly string[];
  /** All of these, beside the workspace. */
  readonly condition: readonly string[];
  /** Of the condition. */
  readonly values: Readonly<Record<string, AttributeValue>>;
  /** Answers `updated` with the connection as it is then. */
  readonly returnNew?: boolean;
  /** What stands there after a failed condition does not matter. */
  readonly unread?: boolean;
}

type Updated<Connected> =
  | { readonly kind: "updated"; readonly connection: Connected }
  | { readonly kind: "declined"; readonly connection: Connection }
  | { readonly kind: "absent" };

function update(
  options: DynamoDbConnectionStoreOptions,
  key: ConnectionKey,
  change: Update & { readonly returnNew: true },
): Promise<Updated<Connection>>;
function update(
  options: DynamoDbConnectionStoreOptions,
  key: ConnectionKey,
  change: Update,
): Promise<Updated<Connection | undefined>>;
async function update(
  options: DynamoDbConnectionStoreOptions,
  key: ConnectionKey,
  change: Update,
): Promise<Updated<Connection | undefined>> {
  const command = updateCommand(options, key, change);
  try {
    const { Attributes } = await asStoreUnavailable("DynamoDB", () => options.client.send(command));
    return {
      kind: "updated",
      connection: change.returnNew ? connectionOf(Attributes ?? {}) : undefined,
    };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    if (change.unread) return { kind: "absent" };
    return standing(options, key, error.Item);
  }
}

/** Without an item in the error the connection may be absent, or the engine not tell: it is read. */
async function standing(
  options: DynamoDbConnectionStoreOptions,
  key: ConnectionKey,
  item: Item | undefined,
): Promise<Updated<never>> {
  const isOurs = item?.workspace_id?.S === key.workspaceId;
  const connection = item === undefined ? await read(options, key) : isOurs && connectionOf(item);
  return connection ? { kind: "declined", connection } : { kind: "absent" };
}

function updateCommand(
  { tableName }: DynamoDbConnectionStoreOptions,
  { connectionId, workspaceId }: ConnectionKey,
  { set, remove, condition, values, returnNew }: Update,
): UpdateItemCommand {
  const assignments = Object.entries(set).map(([name, value], i) => ({
    name,
    token: `:set${i}`,
    value,
  }));
  const clauses = [
    assignments.length > 0 &&
      `SET ${assignments.map(({ name, token }) => `${name} = ${token}`).join(", ")}`,
    remove.length > 0 && `REMOVE ${remove.join(", ")}`,
  ];
  const expressions = [...condition, ...Object.keys(set)].join(" ");
  return new UpdateItemCommand({
    TableName: tableName,
    Key: { connection_id: { S: connectionId } },
    UpdateExpression: clauses.filter(Boolean).join(" "),
    ConditionExpression: [belongsToWorkspace, ...condition].join(" AND "),
    ...(expressions.includes("#status") && { ExpressionAttributeNames: { "#status": "status" } }),
    ExpressionAttributeValues: {
      ":workspaceId": { S: workspaceId },
      ...values,
      ...Object.fromEntries(assignments.map(({ token, value }) => [token, value])),
    },
    ReturnValues: returnNew ? "ALL_NEW" : "NONE",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  });
}
