import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import {
  type Connection,
  type ConnectionKey,
  type ConnectionStatus,
  statusAfterRefresh,
} from "../../domain/model/connection.ts";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import { isoInstant, isoSecond } from "../../domain/model/instant.ts";
import type {
  Acquisition,
  ConnectionStore,
  FailureRecord,
  LeaseRequest,
  Postponement,
  TokenSetCommit,
  WriteResult,
} from "../../domain/ports/connection-store.ts";
import {
  dueAttributes,
  failureItem,
  secondAttribute,
  withoutUndefined,
} from "./connection-item.ts";
import { type ConnectionTable, read, type Update, update } from "./connection-update.ts";

/**
 * Connections in a DynamoDB table, one item each.
 *
 *     acquire            lease_expires_at_ms        another caller may acquire
 *     ├──── holder refreshes ───┤┄┄┄┄┄ lease is dead ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶
 *     commit: whenever credentials_version is the one that was read
 */
export function dynamoDbConnectionStore(options: ConnectionTable): ConnectionStore {
  return {
    read: (key) => read(options, key),
    acquireLease: (request) => acquireLease(options, request),
    commit: (commit) => commitTokenSet(options, commit),
    recordFailure: (record) => recordFailure(options, record),
    releaseLease: (key, leaseId) => releaseLease(options, key, leaseId),
    postpone: (record) => postpone(options, record),
  };
}

const leaseIsFree = "attribute_not_exists(lease_id)";
const leaseIsDead = "lease_expires_at_ms <= :nowMs";
const leaseIsMine = "lease_id = :leaseId";
const isRefreshable = "NOT #status IN (:inactive, :expired)";
const neverRefreshed = "attribute_not_exists(last_refreshed_at)";
const refreshedLongAgo = "last_refreshed_at <= :refreshedBefore";
const versionStands = "credentials_version = :expectedVersion";
const scheduleNames = ["refresh_shard", "refresh_at"];
const neverVersioned = "attribute_not_exists(credentials_version)";

async function acquireLease(options: ConnectionTable, request: LeaseRequest): Promise<Acquisition> {
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
  options: ConnectionTable,
  commit: TokenSetCommit,
): Promise<WriteResult> {
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
  const { expectedVersion, due, expiresAtMs, failure } = commit;
  const ownersWord =
    status === "active" ? "NOT #status IN (:inactive, :testing)" : "#status = :status";
  return {
    set: withoutUndefined<AttributeValue>({
      credentials: { S: commit.credentials },
      credentials_version: { N: String(expectedVersion + 1) },
      "#status": { S: status },
      expires_at: secondAttribute(expiresAtMs),
      refresh_token_expires_at: secondAttribute(commit.refreshTokenExpiresAtMs),
      refresh_token_absolute_expires_at: secondAttribute(commit.refreshTokenAbsoluteExpiresAtMs),
      ...(failure === undefined
        ? { last_refreshed_at: { S: isoInstant(commit.committedAtMs) } }
        : { failure: failureItem(failure) }),
      updated_at: { S: isoSecond(commit.committedAtMs) },
      ...(due && dueAttributes(due)),
    }),
    remove: [
      "lease_id",
      "lease_expires_at_ms",
      ...(failure === undefined ? ["failure"] : []),
      ...(expiresAtMs === undefined ? ["expires_at"] : []),
      ...(due === undefined ? scheduleNames : []),
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
  options: ConnectionTable,
  record: FailureRecord,
): Promise<WriteResult> {
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
  const { failure, leaseId, expectedVersion, keepLease, schedule } = record;
  return {
    set: withoutUndefined<AttributeValue>({
      failure: failureItem(failure),
      "#status": status && { S: status },
      updated_at: { S: isoSecond(failure.lastAtMs) },
      ...(typeof schedule === "object" && dueAttributes(schedule)),
    }),
    remove: [
      ...(keepLease ? [] : ["lease_id", "lease_expires_at_ms"]),
      ...(schedule === "removed" ? scheduleNames : []),
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

async function postpone(options: ConnectionTable, record: Postponement): Promise<WriteResult> {
  const { expectedVersion, refreshAtMs, nowMs, schedule, failure } = record;
  const updated = await update(options, record, {
    set: {
      failure: failureItem(failure),
      updated_at: { S: isoSecond(nowMs) },
      ...(schedule !== "removed" && dueAttributes(schedule)),
    },
    remove: schedule === "removed" ? scheduleNames : [],
    condition: [
      versionIs(expectedVersion),
      "refresh_at = :refreshAt",
      `(${leaseIsFree} OR ${leaseIsDead})`,
    ],
    values: {
      ":expectedVersion": { N: String(expectedVersion) },
      ":refreshAt": { N: String(Math.floor(refreshAtMs / 1000)) },
      ":nowMs": { N: String(nowMs) },
    },
  });
  if (updated.kind === "updated") return { kind: "done" };
  if (updated.kind === "absent") return updated;
  const { connection } = updated;
  // A repetition of what has been written, after an answer that was lost.
  return connection.failure?.leaseId === failure.leaseId
    ? { kind: "done" }
    : { kind: "superseded", connection };
}

async function releaseLease(
  options: ConnectionTable,
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
