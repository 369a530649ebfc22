import fc from "fast-check";
import { circuitBreaker } from "../../functions/domain/integration/circuit-breaker.ts";
import type { ConnectionId } from "../../functions/domain/model/connection.ts";
import type { Telemetry } from "../../functions/domain/ports/telemetry.ts";
import type { TokenRequest, TokenResult } from "../../functions/domain/ports/token-endpoint.ts";
import type { RefreshDependencies } from "../../functions/domain/refresh/dependencies.ts";
import { refreshConnection } from "../../functions/domain/refresh.ts";
import { refreshShards, shardOf } from "../../functions/domain/schedule/due.ts";
import { refreshDue } from "../../functions/domain/scheduled-refresh.ts";
import { sweep } from "../../functions/domain/sweep.ts";
import { inMemoryConnectionStore } from "../support/in-memory-connection-store.ts";
import {
  inMemoryDueIndex,
  inMemoryQueue,
  inMemorySweepPositions,
} from "../support/in-memory-schedule.ts";
import { assertProperty } from "../support/property.ts";
import {
  budget,
  coalesceWindowMs,
  connection,
  granted,
  limitsInMemory,
  opened,
  plainCipher,
  plainOriginOf,
  registration,
  schedule,
  sealed,
  startMs,
  tokenSet,
  withoutRebinds,
} from "../support/refresh-harness.ts";
import { SharedTrouble } from "../support/shared-trouble.ts";

/**
 * Two sweeps and three workers at once. fast-check decides in which order their requests happen, which of
 * them dies and when, which messages vanish and which come twice. Then they are left alone for a while,
 * and what is left over has to come right by itself.
 */

/** All in one shard, so that what the sweeps do in the others takes no turns. */
const shard = 7;
const ids = Array.from({ length: 1_000 }, (_, n) => `conn_${n}` as ConnectionId)
  .filter((connectionId) => shardOf(connectionId) === shard)
  .slice(0, 4);

interface Scenario {
  /** By process: two sweeps, then three workers. The request at which it dies; undefined: it lives. */
  readonly deaths: readonly (number | undefined)[];
  /** For each message as it is received: how often it is delivered. */
  readonly deliveries: readonly number[];
}

const scenarios = fc.record<Scenario>({
  deaths: fc.array(fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined, freq: 2 }), {
    minLength: 5,
    maxLength: 5,
  }),
  deliveries: fc.array(fc.constantFrom(1, 1, 1, 0, 2), { minLength: 16, maxLength: 16 }),
});

/** Comes after the scenario, and neither dies nor loses a message. */
const isReplacement = (process: number): boolean => process >= 10;

/** Rotates at each grant; accepts the token before, until its successor has been used, as many real ones do. */
function rotatingProvider() {
  const accepted = new Map<string, { current: string; previous: string }>();
  return {
    accepts: (name: string, refreshToken: string): boolean => {
      const known = accepted.get(name) ?? { current: `${name}:0`, previous: `${name}:0` };
      return refreshToken === known.current || refreshToken === known.previous;
    },
    rotate: (name: string, refreshToken: string): string => {
      const [, serial] = (accepted.get(name)?.current ?? `${name}:0`).split(":");
      const current = `${name}:${Number(serial) + 1}`;
      accepted.set(name, { current, previous: refreshToken });
      return current;
    },
  };
}

function world(scheduler: fc.Scheduler, { deaths, deliveries }: Scenario) {
  let nowMs = startMs;
  const store = inMemoryConnectionStore({
    connections: ids.map((connectionId) =>
      connection({
        connectionId,
        credentials: sealed(tokenSet(`${connectionId}:0`)),
        refreshAtMs: startMs - 1_000,
      }),
    ),
  });
  const provider = rotatingProvider();
  const positions = inMemorySweepPositions();
  const queue = inMemoryQueue();
  const index = inMemoryDueIndex(store);
  const underWay = new Map<string, number>();
  const overlaps: string[] = [];
  const refusals: string[] = [];
  const requests = new Map<number, number>();
  const isDead = (process: number): boolean =>
    (requests.get(process) ?? 0) >= (deaths[process] ?? Number.POSITIVE_INFINITY);

  /** Every request waits for the scheduler; a dead process never hears again. */
  const step = async (process: number, label: string): Promise<void> => {
    await scheduler.schedule(Promise.resolve(), `${label} (process ${process})`);
    requests.set(process, (requests.get(process) ?? 0) + 1);
    if (isDead(process)) await new Promise<never>(() => {});
  };
  const stepped = <Port extends object>(process: number, port: Port): Port =>
    Object.fromEntries(
      Object.entries(port).map(([name, operation]) => [
        name,
        async (...args: unknown[]) => {
          await step(process, `${name} is sent`);
          const result = await operation(...args);
          await step(process, `${name} returns`);
          return result;
        },
      ]),
    ) as Port;

  const grantOf =
    (process: number) =>
    async ({ refreshToken }: TokenRequest): Promise<TokenResult> => {
      const presented = refreshToken?.reveal() ?? "";
      const [name = ""] = presented.split(":");
      const other = underWay.get(name);
      if (other !== undefined && !isDead(other)) overlaps.push(name);
      underWay.set(name, process);
      await step(process, `grant of ${name}`);
      if (!provider.accepts(name, presented)) {
        refusals.push(presented);
        underWay.delete(name);
        return {
          kind: "refused",
          providerError: "invalid_grant",
          providerErrorDescription: undefined,
        };
      }
      const successor = provider.rotate(name, presented);
      await step(process, `response for ${name}`);
      underWay.delete(name);
      return granted(successor, nowMs);
    };

  const telemetry: Telemetry = { emit: () => {} };
  const clock = { nowMs: () => nowMs, sleep: async () => scheduler.schedule(Promise.resolve()) };
  const { holds, evidence } = new SharedTrouble(clock).view();
  const shared = { telemetry, clock, random: () => 0.5 };
  let received = 0;
  let leases = 0;
  const newLeaseId = () => `lease-${++leases}`;
  const sweepOf = (process: number) =>
    sweep({
      ...shared,
      newLeaseId,
      index: stepped(process, index),
      positions: stepped(process, positions),
      queue: stepped(process, { enqueue: queue.enqueue, depth: queue.depth }),
    });
  const workerOf = (process: number) => {
    const tokenEndpoint = { refresh: grantOf(process), originOf: plainOriginOf };
    const dependencies: RefreshDependencies = {
      ...shared,
      clock: {
        nowMs: () => nowMs,
        // A process that waits for another's lease wakes once it has ended. A wait that was aborted does not count.
        sleep: async (durationMs, signal) => {
          await scheduler.schedule(Promise.resolve(), `wake-up (process ${process})`);
          if (signal === undefined) nowMs += durationMs;
          else
            await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        },
      },
      newLeaseId,
      store: stepped(process, {
        read: store.read,
        acquireLease: store.acquireLease,
        scheduleTakeOver: store.scheduleTakeOver,
        commit: store.commit,
        recordFailure: store.recordFailure,
        releaseLease: store.releaseLease,
        postpone: store.postpone,
      }),
      ...withoutRebinds,
      tokenEndpoint,
      cipher: plainCipher,
      registry: { registration: async () => registration },
      rescueQueue: { keep: async () => {} },
      holds,
      circuitBreaker: circuitBreaker({ holds, evidence, tokenEndpoint, clock, telemetry }),
      limits: limitsInMemory(),
      budget,
      coalesceWindowMs,
      schedule,
    };
    return refreshDue({ ...dependencies, refreshConnection: refreshConnection(dependencies) });
  };
  const invocation = () => {
    const endsAtMs = nowMs + 55_000;
    return { remainingMs: () => endsAtMs - nowMs };
  };

  return {
    overlaps,
    refusals,
    sweepBy: (process: number) =>
      sweepOf(process)({ invocation: invocation(), slice: { index: shard, of: refreshShards } }),
    /** Asks for messages. One that a worker has when it dies is gone: no queue gives it back here. */
    workBy: async (process: number): Promise<void> => {
      const work = workerOf(process);
      for (let receives = 1; receives <= 12 || isReplacement(process); receives++) {
        await step(process, "a message is received");
        const due = queue.messages.shift();
        if (due === undefined && isReplacement(process)) return;
        if (due === undefined) continue;
        const times = isReplacement(process)
          ? 1
          : (deliveries[received++ % deliveries.length] ?? 1);
        // The second time, to whoever asks next.
        if (times > 1) queue.messages.push(due);
        if (times > 0) await work(due, invocation()).catch(() => "returned");
      }
    },
    leaveAlone: (durationMs: number) => {
      nowMs += durationMs;
    },
    stored: () =>
      ids.map((connectionId) => store.stored(connectionId)).filter((found) => found !== undefined),
    isAccepted: (name: string, refreshToken: string) => provider.accepts(name, refreshToken),
  };
}

/** Until nothing is left to be scheduled: what is dead has no end that could be waited for. */
async function drained(scheduler: fc.Scheduler): Promise<void> {
  do {
    await scheduler.waitAll();
    await new Promise((resolve) => setImmediate(resolve));
  } while (scheduler.count() > 0);
}

test("whatever dies, vanishes or comes twice: one grant at a time, and in the end all are refreshed", async () => {
  await assertProperty(
    "interleaving",
    fc.asyncProperty(fc.scheduler(), scenarios, async (scheduler, scenario) => {
      const w = world(scheduler, scenario);
      void w.sweepBy(0);
      void w.sweepBy(1);
      for (const process of [2, 3, 4]) void w.workBy(process);
      await drained(scheduler);

      for (let round = 0; round < 3; round++) {
        w.leaveAlone(6 * 60_000);
        await scheduler.waitFor(w.sweepBy(10 + round));
        await scheduler.waitFor(w.workBy(20 + round));
      }

      expect(w.overlaps).toEqual([]);
      expect(w.refusals).toEqual([]);
      const stored = w.stored();
      expect(stored).toHaveLength(ids.length);
      for (const { connectionId, credentials, credentialsVersion, status, refreshAtMs } of stored) {
        expect(status).toBe("active");
        expect(credentialsVersion).toBeGreaterThan(1);
        expect(refreshAtMs).toBeGreaterThan(startMs);
        const { refreshToken } = credentials ? opened(credentials) : { refreshToken: undefined };
        expect(w.isAccepted(connectionId, refreshToken?.reveal() ?? "")).toBe(true);
      }
    }),
  );
});
