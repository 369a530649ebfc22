import fc from "fast-check";
import type { ConnectionId } from "../../../functions/domain/model/connection.ts";
import {
  dueAfterFailure,
  dueAfterHold,
  nextDue,
  refreshShards,
  shardOf,
} from "../../../functions/domain/schedule/due.ts";
import { assertProperty } from "../../support/property.ts";
import {
  connection,
  connectionId,
  registration,
  schedule,
  startMs,
} from "../../support/refresh-harness.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const fractions = fc.double({ min: 0, max: 0.999, noNaN: true });

const due = (
  expiresAtMs: number | undefined,
  fraction: number,
  changes: Partial<typeof registration> = {},
  refreshTokenExpiresAtMs?: number,
) =>
  nextDue(
    { ...registration, ...changes },
    { connectionId, expiresAtMs, refreshTokenExpiresAtMs },
    startMs,
    fraction,
    schedule,
  )?.refreshAtMs;

describe("proactive", () => {
  test.each([
    ["twenty minutes", 20 * minuteMs, 4 * minuteMs],
    ["an hour", hourMs, 12 * minuteMs],
    ["sixty days", 60 * dayMs, 15 * minuteMs],
  ])(
    "a token of %s is due a margin before it ends, earlier by up to as much in jitter",
    (_, lifetimeMs, marginMs) => {
      const endsAtMs = startMs + lifetimeMs;
      expect(due(endsAtMs, 0)).toBe(endsAtMs - marginMs);
      expect(due(endsAtMs, 0.999)).toBeCloseTo(endsAtMs - 1.999 * marginMs, -1);
    },
  );

  test("a token of two minutes is due early enough for the sweep that comes a minute later", () => {
    const endsAtMs = startMs + 2 * minuteMs;
    for (const fraction of [0, 0.5, 0.999]) {
      expect(due(endsAtMs, fraction)).toBeLessThanOrEqual(
        endsAtMs - schedule.sweepIntervalMs - 30_000,
      );
    }
  });

  test("is due between a few seconds from now and the token's end, whatever its lifetime", () => {
    assertProperty(
      "value",
      fc.property(
        fc.integer({ min: -hourMs, max: 100 * dayMs }),
        fractions,
        (lifetimeMs, fraction) => {
          const refreshAtMs = due(startMs + lifetimeMs, fraction);
          expect(refreshAtMs).toBeGreaterThanOrEqual(startMs + 5_000);
          expect(refreshAtMs).toBeLessThanOrEqual(startMs + Math.max(65_000, lifetimeMs));
        },
      ),
    );
  });

  test("a hundred thousand imported together come due spread over their margin, not as a wall", () => {
    const bySecond = new Map<number, number>();
    for (let i = 0; i < 100_000; i++) {
      const second = Math.floor((due(startMs + hourMs, i / 100_000) ?? 0) / 1000);
      bySecond.set(second, (bySecond.get(second) ?? 0) + 1);
    }
    const even = 100_000 / (12 * 60);
    expect(Math.max(...bySecond.values())).toBeLessThan(1.1 * even);
  });

  test("imported with tokens that have ended, they are spread over the shortest margin", () => {
    expect(due(startMs - 1, 0)).toBe(startMs + 5_000);
    expect(due(startMs - dayMs, 0.5)).toBe(startMs + 35_000);
  });

  test("a token of unknown lifetime is not scheduled, unless its refresh token idles out", () => {
    expect(due(undefined, 0)).toBeUndefined();
    expect(due(undefined, 0, { refreshTokenIdleSeconds: 7 * 86_400 })).toBe(startMs + 3.5 * dayMs);
  });

  test("is never due sooner than the provider allows", () => {
    const { minimumRefreshIntervalSeconds } = { minimumRefreshIntervalSeconds: 570 };
    expect(due(startMs + 10 * minuteMs, 0, { minimumRefreshIntervalSeconds })).toBe(
      startMs + 570_000,
    );
    // The index cuts what is not a whole second.
    const cut = nextDue(
      { ...registration, minimumRefreshIntervalSeconds },
      { connectionId, expiresAtMs: startMs + 10 * minuteMs, refreshTokenExpiresAtMs: undefined },
      startMs + 1,
      0,
      schedule,
    );
    expect(cut?.refreshAtMs).toBe(startMs + 571_000);
  });
});

describe("whatever the policy, a refresh token that idles out is renewed well before", () => {
  test.each(["proactive", "keepalive", "on_demand"] as const)("%s", (refreshPolicy) => {
    const changes = { refreshPolicy, refreshTokenIdleSeconds: 7 * 86_400 };
    expect(due(startMs + 60 * dayMs, 0, changes)).toBe(startMs + 3.5 * dayMs);
  });

  test("by the end that the provider states, too", () => {
    const changes = { refreshPolicy: "on_demand" } as const;
    expect(due(startMs + hourMs, 0, changes, startMs + 10 * dayMs)).toBe(startMs + 5 * dayMs);
  });
});

test("on_demand: never by itself", () => {
  expect(due(startMs + hourMs, 0, { refreshPolicy: "on_demand" })).toBeUndefined();
});

describe("after a failure", () => {
  const failing = connection({ refreshAtMs: startMs - 1_000, expiresAtMs: startMs - 1 });
  const delayAfter = (count: number, fraction: number, retryAtMs?: number) => {
    const next = dueAfterFailure(failing, { count, retryAtMs }, startMs, fraction);
    return typeof next === "object" ? next.refreshAtMs - startMs : next;
  };

  test("full jitter, doubling from one minute to one hour", () => {
    expect([1, 2, 3, 6, 7, 8, 1_000].map((count) => delayAfter(count, 0.5))).toEqual([
      ...[0.5 * minuteMs, minuteMs, 2 * minuteMs, 16 * minuteMs],
      ...[30 * minuteMs, 30 * minuteMs, 30 * minuteMs],
    ]);
    expect(delayAfter(7, 0)).toBe(5_000);
  });

  test("while the token lives, by no more than half of what it has left", () => {
    const alive = connection({ refreshAtMs: startMs, expiresAtMs: startMs + 8 * minuteMs });
    const next = (count: number) =>
      dueAfterFailure(alive, { count, retryAtMs: undefined }, startMs, 0.999);
    const latest = (due: ReturnType<typeof next>) =>
      typeof due === "object" ? (due.refreshAtMs - startMs) / minuteMs : due;
    expect(latest(next(1))).toBeCloseTo(1);
    expect(latest(next(3))).toBeCloseTo(4, 1);
    expect(latest(next(9))).toBeCloseTo(4, 1);
  });

  test("never sooner than the provider asked", () => {
    expect(delayAfter(1, 0, startMs + 10 * minuteMs)).toBe(10 * minuteMs + 5_000);
  });

  test("what is not due yet stays when it was, and what is not scheduled is not", () => {
    const early = connection({ refreshAtMs: startMs + hourMs });
    expect(dueAfterFailure(early, { count: 1, retryAtMs: undefined }, startMs, 0.5)).toBe(
      "unchanged",
    );
    const { refreshAtMs: _, ...unscheduled } = early;
    expect(
      dueAfterFailure(
        { ...unscheduled, refreshAtMs: undefined },
        { count: 1, retryAtMs: undefined },
        startMs,
        0.5,
      ),
    ).toBe("unchanged");
  });
});

describe("after a hold", () => {
  const held = connection({ refreshAtMs: startMs });
  const delayAfter = (beganAtMs: number, fraction: number) => {
    const next = dueAfterHold(held, { beganAtMs, untilMs: startMs + 30_000 }, startMs, fraction);
    return typeof next === "object" ? next.refreshAtMs - startMs : next;
  };

  test("not before the hold has ended", () => {
    expect(delayAfter(startMs, 0)).toBe(30_000);
  });

  test.each([
    ["a moment", 0, minuteMs],
    ["five minutes", 5 * minuteMs, 5 * minuteMs],
    ["a day", dayMs, 15 * minuteMs],
  ])("spread the wider the longer it has lasted: %s", (_, lastedMs, spreadMs) => {
    expect(delayAfter(startMs - lastedMs, 0.5)).toBe(30_000 + spreadMs / 2);
  });
});

test("connections spread evenly over the shards", () => {
  const counts = new Map<number, number>();
  for (let i = 0; i < 64_000; i++) {
    const shard = shardOf(`conn_${i}` as ConnectionId);
    counts.set(shard, (counts.get(shard) ?? 0) + 1);
  }
  expect(counts.size).toBe(refreshShards);
  expect(Math.max(...counts.values())).toBeLessThan(1.2 * 1_000);
});
