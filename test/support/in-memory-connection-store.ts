import {
  type Connection,
  type ConnectionId,
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
import type { DueConnection } from "../../functions/domain/ports/schedule.ts";
import { dueAt } from "../../functions/domain/schedule/due.ts";

export interface InMemoryConnectionStore extends ConnectionStore {
  /** The stored connection, of whatever workspace. */
  stored(connectionId: ConnectionId): Connection | undefined;
  due(connectionId: ConnectionId): Due | undefined;
  /** Creates or replaces a connection and its place in the schedule. */
  put(connection: Connection, due?: Due): void;
  /** The scheduled connections of a shard, in the order of the index. */
  scheduled(refreshShard: number): readonly DueConnection[];
}

interface Entry {
  readonly connection: Connection;
  readonly due: Due | undefined;
}

/** A ConnectionStore for tests, held to the same contract suite as the one that is deployed. */
export function inMemoryConnectionStore({
  connections = [],
}: {
  readonly connections?: readonly Connection[];
} = {}): InMemoryConnectionStore {
  const entries = new Map<ConnectionId, Entry>();
  const shards = new Map<number, Map<ConnectionId, DueConnection>>();
  /** Shards that have not changed since they were sorted. */
  const inOrder = new Map<number, readonly DueConnection[]>();
  const reschedule = (connection: Connection, from: Due | undefined, to: Due | undefined): void => {
    const { connectionId, workspaceId, integration } = connection;
    if (from !== undefined) {
      shards.get(from.refreshShard)?.delete(connectionId);
      inOrder.delete(from.refreshShard);
    }
    if (to === undefined) return;
    inOrder.delete(to.refreshShard);
    const shard = shards.get(to.refreshShard) ?? new Map();
    const { refreshAtMs } = to;
    shard.set(connectionId, { connectionId, workspaceId, integration, refreshAtMs });
    shards.set(to.refreshShard, shard);
  };
  const put = (connection: Connection, due?: Due): void => {
    const stored = due && dueToSecond(due);
    reschedule(connection, entries.get(connection.connectionId)?.due, stored);
    entries.set(connection.connectionId, {
      connection: { ...connection, refreshAtMs: stored?.refreshAtMs },
      due: stored,
    });
  };
  for (const connection of connections) {
    const { connectionId, refreshAtMs } = connection;
    put(connection, refreshAtMs === undefined ? undefined : dueAt(connectionId, refreshAtMs));
  }

  const find = ({ connectionId, workspaceId }: ConnectionKey): Entry | undefined => {
    const entry = entries.get(connectionId);
    return entry?.connection.workspaceId === workspaceId ? entry : undefined;
  };

  return {
    stored: (connectionId) => entries.get(connectionId)?.connection,
    due: (connectionId) => entries.get(connectionId)?.due,
    put,
    scheduled: (refreshShard) => {
      const known = inOrder.get(refreshShard);
      if (known !== undefined) return known;
      const due = [...(shards.get(refreshShard)?.values() ?? [])].sort(
        (a, b) => a.refreshAtMs - b.refreshAtMs || (a.connectionId < b.connectionId ? -1 : 1),
      );
      inOrder.set(refreshShard, due);
      return due;
    },

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

/** Whether a record was written before, and its response was lost. */
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

const dueToSecond = ({ refreshShard, refreshAtMs }: Due): Due => ({
  refreshShard,
  refreshAtMs: Math.floor(refreshAtMs / 1000) * 1000,
});

/** Expiries are stored to the second. */
const toSecond = (instantMs: number | undefined): number | undefined =>
  instantMs === undefined ? undefined : Math.floor(instantMs / 1000) * 1000;
