import type {
  Connection,
  ConnectionId,
  ConnectionKey,
} from "../../functions/domain/model/connection.ts";
import type { ConnectionStore, Due } from "../../functions/domain/ports/connection-store.ts";
import type { DueConnection } from "../../functions/domain/ports/schedule.ts";
import { dueAt } from "../../functions/domain/schedule/due.ts";
import { type ConnectionEntry, connectionStoreOver } from "./connection-store-rules.ts";

export interface InMemoryConnectionStore extends ConnectionStore {
  /** The stored connection, of whatever workspace. */
  stored(connectionId: ConnectionId): Connection | undefined;
  due(connectionId: ConnectionId): Due | undefined;
  /** Creates or replaces a connection and its place in the schedule. */
  put(connection: Connection, due?: Due): void;
  /** The scheduled connections of a shard, in the order of the index. */
  scheduled(refreshShard: number): readonly DueConnection[];
}

/** A ConnectionStore for tests, held to the same contract suite as the one that is deployed. */
export function inMemoryConnectionStore({
  connections = [],
}: {
  readonly connections?: readonly Connection[];
} = {}): InMemoryConnectionStore {
  const entries = new Map<ConnectionId, ConnectionEntry>();
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

  const find = ({ connectionId, workspaceId }: ConnectionKey): ConnectionEntry | undefined => {
    const entry = entries.get(connectionId);
    return entry?.connection.workspaceId === workspaceId ? entry : undefined;
  };

  return {
    ...connectionStoreOver({ find, put }),
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
  };
}

const dueToSecond = ({ refreshShard, refreshAtMs }: Due): Due => ({
  refreshShard,
  refreshAtMs: Math.floor(refreshAtMs / 1000) * 1000,
});
