import type { Connection, ConnectionId } from "../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../functions/domain/model/errors.ts";
import type { RefreshEvent } from "../../functions/domain/ports/events.ts";
import type { DueConnection, DueIndex } from "../../functions/domain/ports/schedule.ts";
import { dueAt, refreshShards } from "../../functions/domain/schedule/due.ts";
import { type SweepDependencies, sweep } from "../../functions/domain/sweep.ts";
import { inMemoryConnectionStore } from "../support/in-memory-connection-store.ts";
import {
  inMemoryDueIndex,
  inMemoryQueue,
  inMemorySweepPositions,
} from "../support/in-memory-schedule.ts";
import { connection, startMs } from "../support/refresh-harness.ts";

const minuteMs = 60_000;
const id = (n: number): ConnectionId => `conn_${n}` as ConnectionId;

/** `count` connections, due one after another in steps of a duration from `firstMs`. */
const connectionsDue = (count: number, firstMs: number, stepMs: number): Connection[] =>
  Array.from({ length: count }, (_, n) =>
    connection({ connectionId: id(n), refreshAtMs: firstMs + n * stepMs }),
  );

function scene(
  connections: readonly Connection[],
  changes: Partial<SweepDependencies> = {},
  queue = inMemoryQueue(),
) {
  let nowMs = startMs;
  let leases = 0;
  const store = inMemoryConnectionStore({ connections });
  const events: RefreshEvent[] = [];
  const run = sweep({
    index: inMemoryDueIndex(store),
    positions: inMemorySweepPositions(),
    queue,
    telemetry: { emit: (event) => void events.push(event) },
    clock: { nowMs: () => nowMs, sleep: async () => {} },
    random: () => 0.5,
    newLeaseId: () => `sweep-${++leases}`,
    ...changes,
  });
  return {
    store,
    queue,
    events,
    advance: (durationMs: number) => {
      nowMs += durationMs;
    },
    sweep: (remainingMs: () => number = () => 55_000, slice?: { index: number; of: number }) =>
      run({ invocation: { remainingMs }, ...(slice && { slice }) }),
    enqueuedIds: () => queue.messages.map(({ connectionId }) => connectionId).sort(),
  };
}

const idsOf = (connections: readonly Connection[]): ConnectionId[] =>
  connections.map(({ connectionId }) => connectionId).sort();

test("enqueues all that is due, once, and nothing that is not", async () => {
  const due = connectionsDue(2_000, startMs - 100_000, 50);
  const s = scene([...due, connection({ connectionId: id(9_999), refreshAtMs: startMs + 1_000 })]);
  expect(await s.sweep()).toEqual({ enqueued: 2_000, caughtUp: 0, shardsLeft: 0 });
  expect(s.enqueuedIds()).toEqual(idsOf(due));
  s.advance(minuteMs);
  expect((await s.sweep()).enqueued).toBe(1);
});

test("pages through a shard with thousands due in the same second", async () => {
  const due = connectionsDue(40_000, startMs - 5_000, 0);
  const s = scene(due);
  expect((await s.sweep()).enqueued).toBe(40_000);
  expect(new Set(s.enqueuedIds()).size).toBe(40_000);
});

test("ends when its time is over, and the next sweep resumes where it stopped", async () => {
  const due = connectionsDue(60_000, startMs - 60_000, 1);
  const s = scene(due);
  let asked = 0;
  const first = await s.sweep(() => (++asked > 150 ? 5_000 : 55_000));
  expect(first.shardsLeft).toBeGreaterThan(0);
  expect(first.enqueued).toBeLessThan(60_000);
  const second = await s.sweep();
  expect(first.enqueued + second.enqueued).toBe(60_000);
  expect(s.enqueuedIds()).toEqual(idsOf(due));
});

test("what the queue does not take is enqueued by the next sweep", async () => {
  const due = connectionsDue(3_000, startMs - 60_000, 10);
  let isBroken = true;
  const s = scene(
    due,
    {},
    inMemoryQueue(({ connectionId }) => isBroken && connectionId.endsWith("7")),
  );
  const first = await s.sweep();
  expect(first.shardsLeft).toBeGreaterThan(0);
  isBroken = false;
  await s.sweep();
  expect(new Set(s.enqueuedIds())).toEqual(new Set(idsOf(due)));
});

test("a page of nothing but entries that are passed over does not end the sweep", async () => {
  const due = connectionsDue(40_000, startMs - 5_000, 0);
  const last = id(39_999);
  const whole = inMemoryDueIndex(inMemoryConnectionStore({ connections: due }));
  const index: DueIndex = {
    ...whole,
    page: async (request) => {
      const page = await whole.page(request);
      return { ...page, due: page.due.filter(({ connectionId }) => connectionId === last) };
    },
  };
  const s = scene([], { index });
  let asked = 0;
  const remainingMs = () => (++asked > 10_000 ? 0 : 55_000);
  expect(await s.sweep(remainingMs)).toMatchObject({ enqueued: 1, shardsLeft: 0 });
});

test("a queue that is away interrupts, and loses nothing", async () => {
  const due = connectionsDue(500, startMs - 60_000, 100);
  const queue = inMemoryQueue();
  let isAway = true;
  const s = scene(due, {
    queue: {
      ...queue,
      enqueue: async (batch) => {
        if (isAway) throw new StoreUnavailable("SQS");
        return queue.enqueue(batch);
      },
    },
  });
  expect((await s.sweep()).enqueued).toBe(0);
  expect(s.events.some(({ code }) => code === "sweep.interrupted")).toBe(true);
  isAway = false;
  s.advance(minuteMs);
  expect((await s.sweep()).enqueued).toBe(500);
});

test("two sweeps at once enqueue nothing twice: a shard is swept by one", async () => {
  const due = connectionsDue(5_000, startMs - 60_000, 10);
  const s = scene(due);
  const [one, other] = await Promise.all([s.sweep(), s.sweep()]);
  expect((one?.enqueued ?? 0) + (other?.enqueued ?? 0)).toBe(5_000);
});

test("a sweep that died leaves its shards to the next one once its time is over", async () => {
  const positions = inMemorySweepPositions();
  const dead = { leaseId: "dead", leaseExpiresAtMs: startMs + 55_000 };
  for (let shard = 0; shard < refreshShards; shard++) await positions.claim(shard, dead, startMs);
  const s = scene(connectionsDue(100, startMs - 1_000, 0), { positions });
  expect(await s.sweep()).toMatchObject({ enqueued: 0, shardsLeft: refreshShards });
  s.advance(minuteMs);
  expect((await s.sweep()).enqueued).toBe(100);
});

test("slices share the shards, and leave none out", async () => {
  const due = connectionsDue(2_000, startMs - 60_000, 10);
  const s = scene(due);
  const slices = await Promise.all(
    [0, 1, 2].map((index) => s.sweep(() => 55_000, { index, of: 3 })),
  );
  expect(slices.reduce((sum, { enqueued }) => sum + enqueued, 0)).toBe(2_000);
  expect(s.enqueuedIds()).toEqual(idsOf(due));
});

describe("what is lost on the way", () => {
  test("is enqueued again within 15 minutes, and what is not lost is not", async () => {
    const due = connectionsDue(1_000, startMs - 60_000, 50);
    const s = scene(due);
    await s.sweep();
    const lost = s.queue.messages.splice(0, 300);
    // Workers are quick: what was not lost is refreshed, and due in an hour.
    for (const { connectionId } of s.queue.messages.splice(0)) {
      const stored = s.store.stored(connectionId);
      if (stored) s.store.put(stored, { refreshShard: 0, refreshAtMs: startMs + 3_600_000 });
    }
    let caughtUp = 0;
    for (let minutes = 0; minutes < 14; minutes++) {
      s.advance(minuteMs);
      ({ caughtUp } = await s.sweep());
      if (caughtUp > 0) break;
    }
    const back = new Set(s.enqueuedIds());
    expect(back).toEqual(new Set(lost.map(({ connectionId }) => connectionId)));
    expect(caughtUp).toBe(lost.length);
  });

  test("with workers stopped for half an hour, the queue holds at most 1.1 times what is due", async () => {
    const due = connectionsDue(100_000, startMs, 18);
    const s = scene(due);
    for (let minutes = 0; minutes < 30; minutes++) {
      s.advance(minuteMs);
      await s.sweep();
      // The index has whole seconds.
      const nowMs = startMs + (minutes + 1) * minuteMs;
      const isDue = due.filter(({ refreshAtMs = 0 }) => refreshAtMs < nowMs + 1_000);
      expect(s.queue.messages.length).toBeLessThanOrEqual(1.1 * isDue.length);
    }
    expect(new Set(s.enqueuedIds()).size).toBe(100_000);
  });

  test("is found among all that keeps coming due elsewhere, and waits in the queue", async () => {
    const due = connectionsDue(1, startMs - minuteMs, 0);
    const s = scene(due);
    await s.sweep();
    const [lost] = s.queue.messages.splice(0);
    for (let minutes = 0; minutes < 14; minutes++) {
      s.advance(minuteMs);
      // Workers are done with what came due before: each sweep finds a thousand that are new.
      for (let n = 0; n < 1_000; n++) {
        const connectionId = `conn_of_${n}` as ConnectionId;
        const refreshAtMs = startMs + (minutes + 1) * minuteMs - n;
        s.store.put(connection({ connectionId }), dueAt(connectionId, refreshAtMs));
      }
      await s.sweep();
      if (s.enqueuedIds().includes(lost?.connectionId as ConnectionId)) return;
      s.queue.messages.splice(0);
    }
    throw new Error("what was lost has not come back within 15 minutes");
  });

  test("fits into the queue beside all that is waiting there", async () => {
    const due = connectionsDue(10_000, startMs - 60_000, 5);
    const s = scene(due);
    await s.sweep();
    const lost: DueConnection[] = [];
    s.queue.messages.splice(
      0,
      s.queue.messages.length,
      ...s.queue.messages.filter((message, n) => {
        if (n % 2 === 0) lost.push(message);
        return n % 2 === 1;
      }),
    );
    for (let minutes = 0; minutes < 14; minutes++) {
      s.advance(minuteMs);
      await s.sweep();
    }
    expect(s.queue.messages.length).toBeLessThanOrEqual(11_000);
    expect(new Set(s.enqueuedIds()).size).toBeGreaterThanOrEqual(5_000 + lost.length * 0.5);
  });
});

test("tells how much it has enqueued and how long that has waited", async () => {
  const s = scene(connectionsDue(10, startMs - 42_000, 0));
  await s.sweep();
  expect(s.events).toContainEqual({
    code: "sweep.ended",
    enqueued: 10,
    shardsLeft: 0,
    lagMs: 42_000,
  });
});
