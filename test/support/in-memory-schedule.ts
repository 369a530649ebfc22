import type {
  DueConnection,
  DueIndex,
  RefreshQueue,
  SweepPosition,
  SweepPositions,
} from "../../functions/domain/ports/schedule.ts";
import type { InMemoryConnectionStore } from "./in-memory-connection-store.ts";

/** The index `due` of a store in memory. It is always up to date. */
export const inMemoryDueIndex = (store: InMemoryConnectionStore): DueIndex => ({
  async page({ refreshShard, after, throughMs, limit }) {
    const rest = store
      .scheduled(refreshShard)
      .filter((due) => due.refreshAtMs <= throughMs && isAfter(due, after));
    const due = rest.slice(0, limit);
    const last = due.at(-1);
    return { due, next: rest.length > limit ? last : undefined };
  },
  count: async (refreshShard, throughMs) =>
    store.scheduled(refreshShard).filter(({ refreshAtMs }) => refreshAtMs <= throughMs).length,
});

function isAfter(due: DueConnection, position: SweepPosition | undefined): boolean {
  if (position === undefined || due.refreshAtMs > position.refreshAtMs) return true;
  return (
    due.refreshAtMs === position.refreshAtMs &&
    position.connectionId !== undefined &&
    due.connectionId > position.connectionId
  );
}

export function inMemorySweepPositions(): SweepPositions {
  const positions = new Map<number, SweepPosition>();
  const leases = new Map<number, { leaseId: string; leaseExpiresAtMs: number }>();
  let caughtUpAtMs = Number.NEGATIVE_INFINITY;
  return {
    async claim(shard, lease, nowMs) {
      if ((leases.get(shard)?.leaseExpiresAtMs ?? 0) > nowMs) return undefined;
      leases.set(shard, lease);
      return { position: positions.get(shard) };
    },
    async advance(shard, leaseId, position) {
      if (leases.get(shard)?.leaseId !== leaseId) return false;
      positions.set(shard, position);
      return true;
    },
    async release(shard, leaseId, position) {
      if (leases.get(shard)?.leaseId !== leaseId) return;
      leases.delete(shard);
      if (position !== undefined) positions.set(shard, position);
    },
    position: async (shard) => positions.get(shard),
    async claimCatchUp(nowMs, intervalMs) {
      if (nowMs - caughtUpAtMs < intervalMs) return false;
      caughtUpAtMs = nowMs;
      return true;
    },
  };
}

export interface InMemoryQueue extends RefreshQueue {
  readonly messages: DueConnection[];
}

/** @param refuses the connections that the queue does not accept */
export function inMemoryQueue(
  refuses: (due: DueConnection) => boolean = () => false,
): InMemoryQueue {
  const messages: DueConnection[] = [];
  return {
    messages,
    async enqueue(due) {
      const refused = due.filter(refuses);
      messages.push(...due.filter((one) => !refused.includes(one)));
      return refused;
    },
    depth: async () => messages.length,
  };
}
