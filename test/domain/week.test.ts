import type {
  Connection,
  ConnectionId,
  RegistrationName,
} from "../../functions/domain/model/connection.ts";
import type { TokenResult } from "../../functions/domain/ports/token-endpoint.ts";
import { refreshConnection } from "../../functions/domain/refresh.ts";
import { nextDue } from "../../functions/domain/schedule/due.ts";
import { refreshDue } from "../../functions/domain/scheduled-refresh.ts";
import { sweep } from "../../functions/domain/sweep.ts";
import {
  inMemoryDueIndex,
  inMemoryQueue,
  inMemorySweepPositions,
} from "../support/in-memory-schedule.ts";
import { isThorough } from "../support/property.ts";
import {
  budget,
  connection,
  granted,
  harness,
  registration,
  schedule,
  sealed,
  startMs,
  tokenSet,
} from "../support/refresh-harness.ts";

/**
 * A deployment in memory, minute by minute. The sweep enqueues, workers refresh through the whole domain, and each
 * integration has a provider. Nothing depends on the clock of the machine.
 */

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Numbers in [0, 1) that are the same in every run. https://github.com/bryc/code/blob/master/jshash/PRNGs.md (mulberry32) */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Provider = (elapsedMs: number, chance: number) => TokenResult | undefined;

interface Week {
  readonly connections: number;
  readonly durationMs: number;
  /** The providers by integration. One that returns undefined grants a token of an hour. */
  readonly providers: Readonly<Record<string, Provider>>;
}

async function live({ connections, durationMs, providers }: Week) {
  const random = numbers(7);
  const integrations = Object.keys(providers);
  const uses = new Map<string, number>();
  const late: { integration: string; elapsedMs: number }[] = [];
  const h = harness({
    random,
    registry: { registration: async (name) => ({ ...registration, name }) },
  });
  const { clock, store } = h;
  const elapsedMs = () => clock.nowMs() - startMs;
  const dependencies = {
    ...h.dependencies,
    clock: {
      nowMs: clock.nowMs,
      // Nothing here is ever so late that a wait for it is not called off.
      sleep: (durationMs: number, signal?: AbortSignal) =>
        signal === undefined
          ? clock.sleep(durationMs)
          : new Promise<void>((resolve) => {
              signal.addEventListener("abort", () => resolve());
            }),
    },
    tokenEndpoint: {
      ...h.dependencies.tokenEndpoint,
      refresh: async (request: Parameters<typeof h.dependencies.tokenEndpoint.refresh>[0]) => {
        const [, integration = ""] = request.registration.name.split("/");
        const result = providers[integration]?.(elapsedMs(), random());
        if (result !== undefined) return result;
        const refreshToken = request.refreshToken?.reveal() ?? "";
        uses.set(refreshToken, (uses.get(refreshToken) ?? 0) + 1);
        const [id, serial] = refreshToken.split(":");
        return granted(`${id}:${Number(serial) + 1}`, clock.nowMs());
      },
    },
  };
  for (let n = 0; n < connections; n++) {
    const connectionId = `conn_${n}` as ConnectionId;
    const integration = integrations[n % integrations.length] ?? "";
    const tokens = {
      connectionId,
      expiresAtMs: startMs + hourMs,
      refreshTokenExpiresAtMs: undefined,
    };
    const due = nextDue(registration, tokens, startMs, random(), schedule);
    const stored = connection({
      connectionId,
      integration,
      registrationName: `integrations/${integration}` as RegistrationName,
      credentials: sealed(tokenSet(`${connectionId}:0`)),
    });
    store.put(stored, due);
  }

  const queue = inMemoryQueue();
  const sweepDue = sweep({
    ...dependencies,
    index: inMemoryDueIndex(store),
    positions: inMemorySweepPositions(),
    queue,
  });
  const work = refreshDue({ ...dependencies, refreshConnection: refreshConnection(dependencies) });
  const stored = (): Connection[] =>
    Array.from({ length: connections }, (_, n) => {
      const found = store.stored(`conn_${n}` as ConnectionId);
      if (found === undefined) throw new Error("a connection is gone");
      return found;
    });

  for (let minutes = 1; minutes * minuteMs <= durationMs; minutes++) {
    // Whatever the minute's work took, the next one begins on time.
    clock.advance(Math.max(0, startMs + minutes * minuteMs - clock.nowMs()));
    await sweepDue({ invocation: { remainingMs: () => 55_000 } });
    for (const due of queue.messages.splice(0)) {
      const endsAtMs = clock.nowMs() + budget.functionTimeoutMs;
      await work(due, { remainingMs: () => endsAtMs - clock.nowMs() });
    }
    if (minutes % 5 === 0) {
      for (const { integration, expiresAtMs = 0 } of stored()) {
        if (expiresAtMs <= clock.nowMs()) late.push({ integration, elapsedMs: elapsedMs() });
      }
    }
  }
  return {
    stored: stored(),
    late,
    uses,
    refreshes: h.events.filter(({ code }) => code === "refresh.refreshed").length,
  };
}

const healthy: Provider = () => undefined;
const away: TokenResult = { kind: "unavailable", reason: "503", retryAfterMs: undefined };

test("in a week no token ends before it is refreshed, and none is used twice", async () => {
  const connections = isThorough ? 1_000 : 300;
  const { stored, late, uses, refreshes } = await live({
    connections,
    durationMs: 7 * dayMs,
    providers: {
      healthy,
      // One request in fifty fails, one in a thousand is never answered.
      flaky: (_, chance) =>
        chance < 0.02 ? away : chance < 0.021 ? { kind: "timed_out" } : undefined,
    },
  });
  expect(late).toEqual([]);
  expect(stored.every(({ status }) => status === "active")).toBe(true);
  expect([...uses.values()].filter((count) => count > 1)).toEqual([]);
  // Between 36 and 48 minutes after the last one, and up to a minute later by the sweep.
  const perConnection = refreshes / connections;
  expect(perConnection).toBeGreaterThan((7 * 24 * 60) / 49.5);
  expect(perConnection).toBeLessThan((7 * 24 * 60) / 36);
});

test("a provider that is away for three hours delays its own connections alone, and these are soon well", async () => {
  const outage = { fromMs: 5 * hourMs, toMs: 8 * hourMs };
  let asked = 0;
  const { stored, late } = await live({
    connections: 300,
    durationMs: 12 * hourMs,
    providers: {
      healthy,
      down: (elapsedMs) => {
        if (elapsedMs < outage.fromMs || elapsedMs >= outage.toMs) return undefined;
        asked += 1;
        return away;
      },
    },
  });
  expect(late.some(({ integration }) => integration === "healthy")).toBe(false);
  expect(late.length).toBeGreaterThan(0);
  // A hold lasts a quarter of an hour at the most, and what it held is spread over as much again.
  expect(Math.max(...late.map(({ elapsedMs }) => elapsedMs))).toBeLessThan(
    outage.toMs + 35 * minuteMs,
  );
  expect(stored.every(({ status, failure }) => status === "active" && failure === undefined)).toBe(
    true,
  );
  // 150 connections, three hours: the provider is asked a few dozen times, and not hammered.
  expect(asked).toBeLessThan(150);
});

test("a provider that is away for ten days leaves its connections in error, never expired, and a refresh mends them", async () => {
  const { stored } = await live({
    connections: 20,
    durationMs: 10 * dayMs,
    providers: { down: () => away },
  });
  const statuses = new Set(stored.map(({ status }) => status));
  expect(statuses.has("expired")).toBe(false);
  expect(statuses.has("error")).toBe(true);
});
