import {
  type Connection,
  type ConnectionKey,
  leaseIsLive,
  statusAfterRefresh,
} from "../../functions/domain/model/connection.ts";
import { leaseIsUnresolved, turnHasCome } from "../../functions/domain/model/take-over.ts";
import type {
  Acquisition,
  CommitResult,
  ConnectionStore,
  Due,
  FailureRecord,
  LeaseRequest,
  Rescheduling,
  TokenSetCommit,
  WriteResult,
} from "../../functions/domain/ports/connection-store.ts";

export interface ConnectionEntry {
  readonly connection: Connection;
  readonly due: Due | undefined;
}

/** The storage below the rules. */
export interface ConnectionEntries {
  /** A connection of another workspace is reported as absent: undefined. */
  find(key: ConnectionKey): ConnectionEntry | undefined;
  /** Replaces a connection and its position in the schedule. */
  put(connection: Connection, due: Due | undefined): void;
}

/** The conditions and writes of a ConnectionStore, over a storage that reads and writes at once. */
export function connectionStoreOver({ find, put }: ConnectionEntries): ConnectionStore {
  return {
    read: async (key) => find(key)?.connection,

    acquireLease: async (request): Promise<Acquisition> => {
      const entry = find(request);
      if (entry === undefined) return { kind: "absent" };
      const { connection, due } = entry;
      if (!mayBeLeased(connection, request)) {
        const isOurs = connection.lease?.leaseId === request.leaseId;
        return { kind: isOurs ? "acquired" : "declined", connection };
      }
      const { leaseId, leaseExpiresAtMs, forcedBeforeMs, nowMs } = request;
      const leased = {
        ...connection,
        lease: { leaseId, leaseExpiresAtMs },
        lastForcedAtMs: forcedBeforeMs === undefined ? connection.lastForcedAtMs : nowMs,
      };
      put(leased, due);
      return { kind: "acquired", connection: leased };
    },

    scheduleTakeOver: async (key, takeOver): Promise<void> => {
      const entry = find(key);
      if (entry === undefined) return;
      const { connection, due } = entry;
      const { leaseId } = takeOver;
      if (connection.lease?.leaseId !== leaseId || connection.takeOver?.leaseId === leaseId) return;
      put({ ...connection, takeOver }, due);
    },

    commit: async (commit, { leaseId, nowMs }): Promise<CommitResult> => {
      const entry = find(commit);
      if (entry === undefined) return { kind: "absent" };
      const { connection } = entry;
      if (connection.credentialsVersion !== commit.expectedVersion) {
        const isOurs = connection.credentials === commit.credentials;
        return isOurs ? { kind: "done" } : { kind: "superseded", connection };
      }
      if (connection.lease?.leaseId !== leaseId && leaseIsLive(connection, nowMs)) {
        return { kind: "held", connection };
      }
      put(committed(connection, commit), commit.due);
      return { kind: "done" };
    },

    recordFailure: async (record): Promise<WriteResult> => {
      const entry = find(record);
      if (entry === undefined) return { kind: "absent" };
      const { connection, due } = entry;
      if (
        connection.credentialsVersion !== record.expectedVersion ||
        connection.lease?.leaseId !== record.leaseId
      ) {
        return wasRecorded(connection, record)
          ? { kind: "done" }
          : { kind: "superseded", connection };
      }
      put(failed(connection, record), rescheduled(due, record.schedule));
      return { kind: "done" };
    },

    postpone: async (record): Promise<WriteResult> => {
      const entry = find(record);
      if (entry === undefined) return { kind: "absent" };
      const { connection, due } = entry;
      const { expectedVersion, refreshAtMs, nowMs, schedule, failure } = record;
      if (
        connection.credentialsVersion !== expectedVersion ||
        connection.refreshAtMs !== refreshAtMs ||
        leaseIsLive(connection, nowMs)
      ) {
        const isOurs = connection.failure?.leaseId === failure.leaseId;
        return isOurs ? { kind: "done" } : { kind: "superseded", connection };
      }
      put({ ...connection, failure }, rescheduled(due, schedule));
      return { kind: "done" };
    },

    releaseLease: async (key, leaseId): Promise<void> => {
      const entry = find(key);
      if (entry?.connection.lease?.leaseId !== leaseId) return;
      put({ ...entry.connection, lease: undefined, takeOver: undefined }, entry.due);
    },
  };
}

const mayBeLeased = (connection: Connection, request: LeaseRequest): boolean => {
  const { nowMs, refreshedBeforeMs, forcedBeforeMs } = request;
  const { takesOverAtOnce = false, ignoresRetryAt = false } = request;
  const { status, lastRefreshedAtMs, lastForcedAtMs = 0, failure } = connection;
  return (
    !leaseIsLive(connection, nowMs) &&
    (takesOverAtOnce || !leaseIsUnresolved(connection) || turnHasCome(connection, nowMs)) &&
    (ignoresRetryAt || (failure?.retryAtMs ?? 0) <= nowMs) &&
    status !== "inactive" &&
    status !== "expired" &&
    (forcedBeforeMs === undefined || lastForcedAtMs <= forcedBeforeMs) &&
    (refreshedBeforeMs === undefined ||
      lastRefreshedAtMs === undefined ||
      lastRefreshedAtMs <= refreshedBeforeMs)
  );
};

const committed = (connection: Connection, commit: TokenSetCommit): Connection => ({
  ...connection,
  status:
    commit.status === connection.status ? commit.status : statusAfterRefresh(connection.status),
  credentials: commit.credentials,
  credentialsVersion: commit.version,
  expiresAtMs: toSecond(commit.expiresAtMs),
  assumedExpiresAtMs: toSecond(commit.assumedExpiresAtMs),
  refreshTokenExpiresAtMs:
    toSecond(commit.refreshTokenExpiresAtMs) ?? connection.refreshTokenExpiresAtMs,
  refreshTokenAbsoluteExpiresAtMs:
    toSecond(commit.refreshTokenAbsoluteExpiresAtMs) ?? connection.refreshTokenAbsoluteExpiresAtMs,
  lastRefreshedAtMs: commit.failure ? connection.lastRefreshedAtMs : commit.committedAtMs,
  lease: undefined,
  takeOver: undefined,
  failure: commit.failure,
});

const failed = (connection: Connection, record: FailureRecord): Connection => ({
  ...connection,
  status: connection.status === "inactive" ? "inactive" : (record.status ?? connection.status),
  failure: record.failure,
  lease: record.keepLease ? connection.lease : undefined,
  takeOver: undefined,
});

/** Returns true if the record was written before, and its response was lost. */
const wasRecorded = (
  { failure, lease, credentialsVersion }: Connection,
  { leaseId, expectedVersion, keepLease }: FailureRecord,
): boolean =>
  failure?.leaseId === leaseId &&
  credentialsVersion === expectedVersion &&
  (keepLease || lease?.leaseId !== leaseId);

const rescheduled = (due: Due | undefined, schedule: Rescheduling): Due | undefined => {
  if (schedule === "unchanged") return due;
  return schedule === "removed" ? undefined : schedule;
};

/** Expiries are stored to the second. */
const toSecond = (instantMs: number | undefined): number | undefined =>
  instantMs === undefined ? undefined : Math.floor(instantMs / 1000) * 1000;
