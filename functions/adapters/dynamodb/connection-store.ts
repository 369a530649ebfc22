import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import {
  type Connection,
  type ConnectionKey,
  type ConnectionStatus,
  leaseIsLive,
  longestLeaseMs,
  statusAfterRefresh,
  type TakeOver,
} from "../../domain/model/connection.ts";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import { isoInstant, isoSecond } from "../../domain/model/instant.ts";
import { latestTurnMs } from "../../domain/model/take-over.ts";
import type {
  Acquisition,
  CommitResult,
  Committer,
  ConnectionStore,
  FailureRecord,
  LeaseRequest,
  Postponement,
  TokenSetCommit,
  WriteResult,
} from "../../domain/ports/connection-store.ts";
import { secondAttribute, withoutUndefined } from "./attributes.ts";
import { credentialsAttribute, dueAttributes, failureItem } from "./connection-item.ts";
import { type ConnectionTable, read, type Update, update } from "./connection-update.ts";

/**
 * Connections in a DynamoDB table, one item each.
 *
 *     acquire            lease_expires_at_ms                     takeover_at_ms
 *     ├──── holder refreshes ───┤┄┄┄┄┄┄┄┄┄ lease is dead ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶
 *     failure stored under it:  │ another caller may acquire
 *     nothing stored under it:  │ the rescue may acquire            │ another caller may acquire
 *     commit: while credentials_version is the one that was read, and nobody else holds a live lease
 */
export function dynamoDbConnectionStore(options: ConnectionTable): ConnectionStore {
  return {
    read: (key) => read(options, key),
    acquireLease: (request) => acquireLease(options, request),
    scheduleTakeOver: (key, takeOver) => scheduleTakeOver(options, key, takeOver),
    commit: (commit, committer) => commitTokenSet(options, commit, committer),
    recordFailure: (record) => recordFailure(options, record),
    releaseLease: (key, leaseId) => releaseLease(options, key, leaseId),
    postpone: (record) => postpone(options, record),
  };
}

const leaseIsFree = "attribute_not_exists(lease_id)";
/** A lease that claims to last longer than any lease does is dead as well. */
const leaseIsDead = "(lease_expires_at_ms <= :nowMs OR lease_expires_at_ms > :latestLeaseEndMs)";
const leaseIsMine = "lease_id = :leaseId";
const leaseHasFailed = "failure.lease_id = lease_id";
const turnHasCome =
  "(takeover_of = lease_id AND (takeover_at_ms <= :nowMs OR takeover_at_ms > :latestTurnMs))";
const noRetryTime = "attribute_not_exists(failure.retry_at)";
const retryTimeHasCome = "failure.retry_at <= :now";
const leaseNames = ["lease_id", "lease_expires_at_ms", "takeover_of", "takeover_at_ms"];

const millis = (instantMs: number): AttributeValue => ({ N: String(Math.floor(instantMs)) });
const leaseTimes = (nowMs: number) => ({
  ":nowMs": millis(nowMs),
  ":latestLeaseEndMs": millis(nowMs + longestLeaseMs),
});
const isRefreshable = "NOT #status IN (:inactive, :expired)";
const neverRefreshed = "attribute_not_exists(last_refreshed_at)";
const neverForced = "attribute_not_exists(last_forced_at_ms)";
const forcedLongAgo = "last_forced_at_ms <= :forcedBeforeMs";
const refreshedLongAgo = "last_refreshed_at <= :refreshedBefore";
const versionStands = "credentials_version = :expectedVersion";
const scheduleNames = ["refresh_shard", "refresh_at"];
const neverVersioned = "attribute_not_exists(credentials_version)";

async function acquireLease(options: ConnectionTable, request: LeaseRequest): Promise<Acquisition> {
  const { leaseId, leaseExpiresAtMs, nowMs, refreshedBeforeMs, forcedBeforeMs } = request;
  const { takesOverAtOnce = false, ignoresRetryAt = false } = request;
  // DynamoDB refuses an expression with redundant parentheses.
  const mayTakeOver = takesOverAtOnce
    ? leaseIsDead
    : `(${leaseIsDead} AND (${leaseHasFailed} OR ${turnHasCome}))`;
  const updated = await update(options, request, {
    set: {
      lease_id: { S: leaseId },
      lease_expires_at_ms: millis(leaseExpiresAtMs),
      ...(forcedBeforeMs !== undefined && { last_forced_at_ms: millis(nowMs) }),
    },
    remove: [],
    condition: [
      `(${leaseIsFree} OR ${mayTakeOver})`,
      isRefreshable,
      ...(ignoresRetryAt ? [] : [`(${noRetryTime} OR ${retryTimeHasCome})`]),
      ...(forcedBeforeMs === undefined ? [] : [`(${neverForced} OR ${forcedLongAgo})`]),
      ...(refreshedBeforeMs === undefined ? [] : [`(${neverRefreshed} OR ${refreshedLongAgo})`]),
    ],
    values: {
      ...leaseTimes(nowMs),
      ":inactive": { S: "inactive" },
      ":expired": { S: "expired" },
      ...(!takesOverAtOnce && { ":latestTurnMs": millis(latestTurnMs(nowMs)) }),
      ...(!ignoresRetryAt && { ":now": { S: isoInstant(nowMs) } }),
      ...(forcedBeforeMs !== undefined && { ":forcedBeforeMs": millis(forcedBeforeMs) }),
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

async function scheduleTakeOver(
  options: ConnectionTable,
  key: ConnectionKey,
  { leaseId, atMs }: TakeOver,
): Promise<void> {
  await update(options, key, {
    set: { takeover_of: { S: leaseId }, takeover_at_ms: millis(atMs) },
    remove: [],
    condition: [leaseIsMine, "(attribute_not_exists(takeover_of) OR takeover_of <> :leaseId)"],
    values: { ":leaseId": { S: leaseId } },
    unread: true,
  });
}

/** How often an owner may switch a connection while its tokens are committed. */
const maximumStatusChanges = 3;

async function commitTokenSet(
  options: ConnectionTable,
  commit: TokenSetCommit,
  committer: Committer,
): Promise<CommitResult> {
  let { status } = commit;
  for (let changes = 0; changes < maximumStatusChanges; changes++) {
    const updated = await update(options, commit, tokenSetUpdate(commit, committer, status));
    if (updated.kind === "absent") return updated;
    if (updated.kind === "updated") return { kind: "done" };
    const { connection } = updated;
    if (connection.credentials === commit.credentials) return { kind: "done" };
    if (connection.credentialsVersion !== commit.expectedVersion) {
      return { kind: "superseded", connection };
    }
    const isMine = connection.lease?.leaseId === committer.leaseId;
    if (!isMine && leaseIsLive(connection, committer.nowMs)) return { kind: "held", connection };
    status = statusAfterRefresh(connection.status);
  }
  throw new StoreUnavailable("DynamoDB", new Error("the connection's status keeps changing"));
}

function tokenSetUpdate(
  commit: TokenSetCommit,
  { leaseId, nowMs }: Committer,
  status: ConnectionStatus,
): Update {
  const { expectedVersion, version, due, expiresAtMs, assumedExpiresAtMs, failure } = commit;
  const ownersWord =
    status === "active" ? "NOT #status IN (:inactive, :testing)" : "#status = :status";
  return {
    set: withoutUndefined<AttributeValue>({
      credentials: credentialsAttribute(commit.credentials),
      credentials_version: { N: String(version) },
      "#status": { S: status },
      expires_at: secondAttribute(expiresAtMs),
      assumed_expires_at: secondAttribute(assumedExpiresAtMs),
      refresh_token_expires_at: secondAttribute(commit.refreshTokenExpiresAtMs),
      refresh_token_absolute_expires_at: secondAttribute(commit.refreshTokenAbsoluteExpiresAtMs),
      ...(failure === undefined
        ? { last_refreshed_at: { S: isoInstant(commit.committedAtMs) } }
        : { failure: failureItem(failure) }),
      updated_at: { S: isoSecond(commit.committedAtMs) },
      ...(due && dueAttributes(due)),
    }),
    remove: [
      ...leaseNames,
      ...(failure === undefined ? ["failure"] : []),
      ...(expiresAtMs === undefined ? ["expires_at"] : []),
      ...(assumedExpiresAtMs === undefined ? ["assumed_expires_at"] : []),
      ...(due === undefined ? scheduleNames : []),
    ],
    condition: [
      versionIs(expectedVersion),
      ownersWord,
      `(${leaseIsFree} OR ${leaseIsMine} OR ${leaseIsDead})`,
    ],
    values: {
      ":leaseId": { S: leaseId },
      ...leaseTimes(nowMs),
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
      ...(keepLease ? ["takeover_of", "takeover_at_ms"] : leaseNames),
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
      ...leaseTimes(nowMs),
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
    remove: leaseNames,
    condition: [leaseIsMine],
    values: { ":leaseId": { S: leaseId } },
    unread: true,
  });
}

/** A connection whose credentials were never committed has no version, which counts as 0. */
const versionIs = (expectedVersion: number): string =>
  expectedVersion === 0 ? `(${neverVersioned} OR ${versionStands})` : versionStands;
