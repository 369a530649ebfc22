import { withConcurrency } from "./async/concurrency.ts";
import { StoreUnavailable } from "./model/errors.ts";
import type { Clock, Invocation } from "./ports/clock.ts";
import type {
  DueConnection,
  DueIndex,
  RefreshQueue,
  SweepPosition,
  SweepPositions,
} from "./ports/schedule.ts";
import type { Telemetry } from "./ports/telemetry.ts";
import { refreshShards } from "./schedule/due.ts";

export interface SweepDependencies {
  readonly index: DueIndex;
  readonly positions: SweepPositions;
  readonly queue: RefreshQueue;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly newLeaseId: () => string;
}

export interface SweepRequest {
  /** The part of the shards that this sweep takes, where several share the work. @default all */
  readonly slice?: { readonly index: number; readonly of: number };
  readonly invocation: Invocation;
}

export interface SweepResult {
  readonly enqueued: number;
  readonly caughtUp: number;
  /** Shards that another sweep held, that an error interrupted, or for which there was no time. */
  readonly shardsLeft: number;
}

export type Sweep = (request: SweepRequest) => Promise<SweepResult>;

const pageSize = 500;
const shardsAtATime = 16;
/** The end of an invocation, in which a page that has begun is enqueued and its position stored. */
const reserveMs = 10_000;

/**
 * Enqueues the connections that came due since the last sweep, shard by shard:
 *
 *     swept before        position                          now
 *     ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄├── page ──┼── page ──┼── page ──┤
 *                         enqueue, then move the position
 *
 * The next sweep resumes one that ended early, at its position. Two at once do no harm: a shard is swept
 * under a lease, and a connection that is enqueued twice costs the worker one read.
 */
export function sweep(dependencies: SweepDependencies): Sweep {
  return async ({ slice = { index: 0, of: 1 }, invocation }) => {
    const shards = shuffled(shardsOf(slice), dependencies.random);
    const swept: ShardSweep[] = [];
    await withConcurrency(shards, shardsAtATime, async (refreshShard) => {
      swept.push(await sweepOrEmit(dependencies, refreshShard, invocation));
    });
    const enqueued = swept.reduce((sum, one) => sum + one.enqueued, 0);
    const shardsLeft = swept.filter(({ isWhole }) => !isWhole).length;
    const lagMs = Math.max(0, ...swept.map((one) => one.lagMs));
    dependencies.telemetry.emit({ code: "sweep.ended", enqueued, shardsLeft, lagMs });
    return { enqueued, shardsLeft, caughtUp: await catchUp(dependencies, invocation) };
  };
}

const shardsOf = ({ index, of }: NonNullable<SweepRequest["slice"]>): number[] =>
  Array.from({ length: refreshShards }, (_, shard) => shard).filter(
    (shard) => shard % of === index,
  );

/** In another order each time, so that where time is short no shard is always the last. */
function shuffled(shards: readonly number[], random: () => number): number[] {
  const result = [...shards];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other] as number, result[last] as number];
  }
  return result;
}

interface ShardSweep {
  readonly enqueued: number;
  readonly isWhole: boolean;
  readonly lagMs: number;
}

/** An error in one shard does not stop the others: the next sweep resumes it. */
async function sweepOrEmit(
  dependencies: SweepDependencies,
  refreshShard: number,
  invocation: Invocation,
): Promise<ShardSweep> {
  try {
    return await sweepShard(dependencies, refreshShard, invocation);
  } catch (cause) {
    if (!(cause instanceof StoreUnavailable)) throw cause;
    dependencies.telemetry.emit({ code: "sweep.interrupted", refreshShard, cause });
    return { enqueued: 0, isWhole: false, lagMs: 0 };
  }
}

const hasTime = (invocation: Invocation): boolean => invocation.remainingMs() > reserveMs;

async function sweepShard(
  { index, positions, queue, clock, newLeaseId }: SweepDependencies,
  refreshShard: number,
  invocation: Invocation,
): Promise<ShardSweep> {
  const nowMs = clock.nowMs();
  const untouched = { enqueued: 0, isWhole: false, lagMs: 0 };
  if (!hasTime(invocation)) return untouched;
  const leaseId = newLeaseId();
  const lease = { leaseId, leaseExpiresAtMs: nowMs + invocation.remainingMs() };
  const claimed = await positions.claim(refreshShard, lease, nowMs);
  if (claimed === undefined) return untouched;

  const throughMs = wholeSecond(nowMs);
  let after = claimed.position;
  let lagMs = 0;
  for (let enqueued = 0; ; ) {
    if (!hasTime(invocation)) {
      await positions.release(refreshShard, leaseId, after);
      return { enqueued, isWhole: false, lagMs };
    }
    const page = await index.page({ refreshShard, after, throughMs, limit: pageSize });
    const [first] = page.due;
    if (first !== undefined) lagMs = Math.max(lagMs, nowMs - first.refreshAtMs);
    const taken = await enqueueInOrder(queue, page.due);
    enqueued += taken.count;
    const isLast = taken.isWhole && page.next === undefined;
    const reached = taken.isWhole ? page.next : taken.position;
    after = isLast ? { refreshAtMs: throughMs, connectionId: undefined } : (reached ?? after);
    if (isLast || !taken.isWhole || after === undefined) {
      await positions.release(refreshShard, leaseId, after);
      return { enqueued, isWhole: isLast, lagMs };
    }
    if (!(await positions.advance(refreshShard, leaseId, after))) {
      return { enqueued, isWhole: false, lagMs };
    }
  }
}

const wholeSecond = (instantMs: number): number => Math.floor(instantMs / 1000) * 1000;

interface Taken {
  readonly count: number;
  readonly isWhole: boolean;
  /** The position of the last connection before the first that the queue did not take. */
  readonly position: SweepPosition | undefined;
}

async function enqueueInOrder(queue: RefreshQueue, due: readonly DueConnection[]): Promise<Taken> {
  const refused = new Set(due.length === 0 ? [] : await queue.enqueue(due));
  const firstRefused = due.findIndex((one) => refused.has(one));
  const last = firstRefused === -1 ? due.at(-1) : due[firstRefused - 1];
  return {
    count: due.length - refused.size,
    isWhole: refused.size === 0,
    position: last && { refreshAtMs: last.refreshAtMs, connectionId: last.connectionId },
  };
}

/** How often lost messages are looked for. */
const catchUpIntervalMs = 5 * 60_000;
/** The message of a connection that is still due after this was lost, or waits in a long queue. */
const lostAfterMs = 5 * 60_000;
/** The queue is filled up to this multiple of the due connections, and no further. */
const queueFactor = 1.1;

/**
 * Enqueues again the connections whose message was lost, with a worker that died for instance. A connection
 * that was swept and is still due has a message in the queue, unless that was lost; so no more are enqueued
 * than the queue lacks, the oldest first.
 */
async function catchUp(dependencies: SweepDependencies, invocation: Invocation): Promise<number> {
  const { positions, queue, clock, telemetry } = dependencies;
  const nowMs = clock.nowMs();
  try {
    if (!hasTime(invocation)) return 0;
    if (!(await positions.claimCatchUp(nowMs, catchUpIntervalMs))) return 0;
    const shards = await lateInShards(dependencies, nowMs - lostAfterMs);
    const late = shards.reduce((sum, shard) => sum + shard.late, 0);
    if (late === 0) return 0;
    const due = await countDue(dependencies, shards);
    const room = Math.floor(due * queueFactor) - (await queue.depth());
    let roomLeft = room;
    let enqueued = 0;
    await withConcurrency(shards, shardsAtATime, async (shard) => {
      const share = Math.min(shard.late, Math.ceil((room * shard.late) / late), roomLeft);
      if (share <= 0) return;
      roomLeft -= share;
      const count = await enqueueOldest(dependencies, shard, share, invocation);
      // In a statement of its own: other shards add to the sum during the wait.
      enqueued += count;
    });
    telemetry.emit({ code: "sweep.caught_up", enqueued, due });
    return enqueued;
  } catch (cause) {
    if (!(cause instanceof StoreUnavailable)) throw cause;
    telemetry.emit({ code: "sweep.interrupted", refreshShard: undefined, cause });
    return 0;
  }
}

interface SweptShard {
  readonly refreshShard: number;
  readonly sweptThroughMs: number;
  /** Connections that were swept and are still due, for so long that their message may be lost. */
  readonly late: number;
  readonly lateThroughMs: number;
}

async function lateInShards(
  { index, positions }: SweepDependencies,
  throughMs: number,
): Promise<readonly SweptShard[]> {
  const shards: SweptShard[] = [];
  const all = Array.from({ length: refreshShards }, (_, refreshShard) => refreshShard);
  await withConcurrency(all, shardsAtATime, async (refreshShard) => {
    const position = await positions.position(refreshShard);
    if (position === undefined) return;
    const sweptThroughMs = position.refreshAtMs;
    const lateThroughMs = Math.min(throughMs, sweptThroughMs);
    const late = await index.count(refreshShard, lateThroughMs);
    shards.push({ refreshShard, sweptThroughMs, late, lateThroughMs });
  });
  return shards;
}

/** Counts all shards: the queue, with which the count is compared, holds the connections of all of them. */
async function countDue(
  { index }: SweepDependencies,
  shards: readonly SweptShard[],
): Promise<number> {
  const counts: number[] = [];
  await withConcurrency(shards, shardsAtATime, async ({ refreshShard, sweptThroughMs }) => {
    counts.push(await index.count(refreshShard, sweptThroughMs));
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

async function enqueueOldest(
  { index, queue }: SweepDependencies,
  { refreshShard, lateThroughMs }: SweptShard,
  share: number,
  invocation: Invocation,
): Promise<number> {
  let after: SweepPosition | undefined;
  let enqueued = 0;
  do {
    const limit = Math.min(pageSize, share - enqueued);
    const page = await index.page({ refreshShard, after, throughMs: lateThroughMs, limit });
    const taken = await enqueueInOrder(queue, page.due);
    enqueued += taken.count;
    if (!taken.isWhole) break;
    after = page.next;
  } while (after !== undefined && enqueued < share && hasTime(invocation));
  return enqueued;
}
