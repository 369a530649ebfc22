import fc from "fast-check";
import type { ConnectionId } from "../../functions/domain/connection.ts";
import { nextDue, refreshShards, shardOf } from "../../functions/domain/schedule.ts";
import { connectionId, registration, startMs } from "../support/refresh-harness.ts";

const hourMs = 3_600_000;

describe("proactive", () => {
  test.each([
    ["two minutes", 120_000, 60_000],
    ["an hour", hourMs, 12 * 60_000],
    ["sixty days", 60 * 24 * hourMs, 15 * 60_000],
  ])(
    "a token of %s is due a margin before it ends, earlier by jitter",
    (_, lifetimeMs, marginMs) => {
      const endsAtMs = startMs + lifetimeMs;
      const latest = nextDue(registration, connectionId, startMs, endsAtMs, 0);
      expect(latest?.refreshAtMs).toBe(endsAtMs - marginMs);
      const earliest = nextDue(registration, connectionId, startMs, endsAtMs, 0.999);
      expect(earliest?.refreshAtMs).toBeLessThan(endsAtMs - marginMs);
    },
  );

  test("is due between now and the token's end, whatever its lifetime", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -hourMs, max: 100 * 24 * hourMs }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (lifetimeMs, fraction) => {
          const due = nextDue(registration, connectionId, startMs, startMs + lifetimeMs, fraction);
          expect(due?.refreshAtMs).toBeGreaterThanOrEqual(startMs);
          expect(due?.refreshAtMs).toBeLessThanOrEqual(startMs + Math.max(0, lifetimeMs));
        },
      ),
    );
  });

  test("a token of unknown lifetime is not scheduled", () => {
    expect(nextDue(registration, connectionId, startMs, undefined, 0)).toBeUndefined();
  });
});

test("keepalive: due well before the refresh token idles out, whatever the access token's end", () => {
  const keepalive = {
    ...registration,
    refreshPolicy: "keepalive",
    refreshTokenIdleSeconds: 7 * 86_400,
  } as const;
  const due = nextDue(keepalive, connectionId, startMs, startMs + hourMs, 0);
  expect(due?.refreshAtMs).toBe(startMs + 3.5 * 24 * hourMs);
});

test("on_demand: never by itself", () => {
  const onDemand = { ...registration, refreshPolicy: "on_demand" } as const;
  expect(nextDue(onDemand, connectionId, startMs, startMs + hourMs, 0)).toBeUndefined();
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
