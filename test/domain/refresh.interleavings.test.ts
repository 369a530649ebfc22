import fc from "fast-check";
import { circuitBreaker } from "../../functions/domain/integration/circuit-breaker.ts";
import { RefreshError, StoreUnavailable } from "../../functions/domain/model/errors.ts";
import type {
  Committer,
  ConnectionStore,
  TokenSetCommit,
} from "../../functions/domain/ports/connection-store.ts";
import type { RefreshEvent } from "../../functions/domain/ports/events.ts";
import type { Telemetry } from "../../functions/domain/ports/telemetry.ts";
import type { TokenCipher } from "../../functions/domain/ports/token-cipher.ts";
import type { TokenRequest, TokenResult } from "../../functions/domain/ports/token-endpoint.ts";
import type { RefreshDependencies } from "../../functions/domain/refresh/dependencies.ts";
import { refreshConnection } from "../../functions/domain/refresh.ts";
import { inMemoryConnectionStore } from "../support/in-memory-connection-store.ts";
import { assertProperty } from "../support/property.ts";
import {
  budget,
  coalesceWindowMs,
  connection,
  connectionId,
  granted,
  limitsInMemory,
  opened,
  plainCipher,
  plainOriginOf,
  registration,
  schedule,
  startMs,
  withoutRebinds,
  workspaceId,
} from "../support/refresh-harness.ts";
import { SharedTrouble } from "../support/shared-trouble.ts";

/**
 * Several processes refresh one connection. fast-check decides in which order their requests and
 * wake-ups happen, what the store and the provider do with each, when a process dies, and when time
 * leaps (which is what a frozen process sees).
 */

type StoreFault = "none" | "request lost" | "response lost";
type ProviderFault =
  | "none"
  | "503"
  | "429"
  | "500"
  | "timed out before it acted"
  | "timed out after it acted"
  | "broken off after it acted";

interface Scenario {
  readonly callers: readonly { readonly force: boolean; readonly process: number }[];
  readonly storeFaults: readonly StoreFault[];
  readonly providerFaults: readonly ProviderFault[];
  readonly leapsMs: readonly number[];
  /** The request at which process 0 dies; undefined: it lives. */
  readonly deathAtRequest: number | undefined;
  readonly rescueWorks: boolean;
  /** The store takes no request after this many; undefined: it stays. */
  readonly storeEndsAfter: number | undefined;
  /** The provider accepts the refresh token before the newest one too, as Okta's grace period does. */
  readonly isForgiving: boolean;
}

const mostly = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, fc.constantFrom(...others));

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  callers: fc.array(fc.record({ force: fc.boolean(), process: fc.nat({ max: 2 }) }), {
    minLength: 2,
    maxLength: 5,
  }),
  storeFaults: fc.array(mostly<StoreFault>("none", "request lost", "response lost"), {
    maxLength: 25,
  }),
  providerFaults: fc.array(
    mostly<ProviderFault>(
      "none",
      "503",
      "429",
      "500",
      "timed out before it acted",
      "timed out after it acted",
      "broken off after it acted",
    ),
    { maxLength: 6 },
  ),
  leapsMs: fc.array(fc.constantFrom(50, 2_000, 9_000, 16_000, 21_000), { maxLength: 3 }),
  deathAtRequest: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined, freq: 3 }),
  rescueWorks: fc.boolean(),
  storeEndsAfter: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined, freq: 3 }),
  isForgiving: fc.boolean(),
});

const undisturbedScenarios: fc.Arbitrary<Scenario> = scenarios.map(({ callers }) => ({
  callers,
  storeFaults: [],
  providerFaults: [],
  leapsMs: [],
  deathAtRequest: undefined,
  rescueWorks: true,
  storeEndsAfter: undefined,
  isForgiving: false,
}));

/** A provider that rotates. On reuse it kills the whole family, unless it forgives one step back. */
function rotatingProvider({ isForgiving }: Scenario) {
  let current = "rt-0";
  let previous: string | undefined;
  let rotations = 0;
  let familyIsDead = false;
  const accepts = (refreshToken: string | undefined) =>
    !familyIsDead && (refreshToken === current || (isForgiving && refreshToken === previous));
  return {
    accepts,
    current: () => current,
    redeem(refreshToken: string): string | undefined {
      familyIsDead ||= !accepts(refreshToken);
      if (familyIsDead) return undefined;
      previous = refreshToken;
      current = `rt-${++rotations}`;
      return current;
    },
  };
}

/** The world in which the processes run, and what is seen of it from outside. */
function world(scheduler: fc.Scheduler, scenario: Scenario) {
  let nowMs = startMs;
  let requests = 0;
  let isDead = false;
  let storeRequests = 0;
  const storeFaults = [...scenario.storeFaults];
  const providerFaults = [...scenario.providerFaults];
  const provider = rotatingProvider(scenario);
  const store = inMemoryConnectionStore({ connections: [connection()] });
  const events: RefreshEvent[] = [];
  const rescued: TokenSetCommit[] = [];
  const stored = new Set<string>(["rt-0"]);
  const arrived = new Set<string>();
  const underWay: { refreshToken: string; deadlineMs: number; isOver: boolean }[] = [];
  const overlaps: string[] = [];

  const leapTo = (instantMs: number): void => {
    nowMs = Math.max(nowMs, instantMs);
    for (const request of underWay) if (request.deadlineMs <= nowMs) request.isOver = true;
  };

  /** Every step outside the process waits for the scheduler; a dead process never hears again. */
  const step = async (process: number, label: string): Promise<void> => {
    await scheduler.schedule(Promise.resolve(), `${label} (process ${process})`);
    if (process !== 0) return;
    isDead ||= ++requests === scenario.deathAtRequest;
    if (isDead) await new Promise<never>(() => {});
  };

  const overStore = (process: number): ConnectionStore => {
    const faulty =
      <Args extends unknown[], Result>(
        name: string,
        operation: (...args: Args) => Promise<Result>,
      ) =>
      async (...args: Args): Promise<Result> => {
        const fault = storeFaults.shift() ?? "none";
        await step(process, `${name} is sent`);
        const hasEnded = ++storeRequests > (scenario.storeEndsAfter ?? Number.POSITIVE_INFINITY);
        if (hasEnded || fault === "request lost") throw new StoreUnavailable("store");
        const result = await operation(...args);
        await step(process, `${name} returns`);
        if (fault === "response lost") throw new StoreUnavailable("store");
        return result;
      };
    return {
      read: faulty("read", store.read),
      acquireLease: faulty("acquireLease", store.acquireLease),
      scheduleTakeOver: faulty("scheduleTakeOver", store.scheduleTakeOver),
      recordFailure: faulty("recordFailure", store.recordFailure),
      releaseLease: faulty("releaseLease", store.releaseLease),
      postpone: faulty("postpone", store.postpone),
      commit: faulty("commit", async (commit: TokenSetCommit, committer: Committer) => {
        const written = await store.commit(commit, committer);
        if (written.kind === "done") stored.add(refreshTokenOf(commit));
        return written;
      }),
    };
  };

  const requestTo =
    (process: number) =>
    async (request: TokenRequest): Promise<TokenResult> => {
      const fault = providerFaults.shift() ?? "none";
      await step(process, "connecting");
      if (!request.maySend()) return { kind: "not_sent" };
      const refreshToken = request.refreshToken?.reveal() ?? "";
      const inFlight = { refreshToken, deadlineMs: nowMs + request.timeoutMs, isOver: false };
      if (underWay.some((other) => !other.isOver && other.refreshToken === refreshToken)) {
        overlaps.push(refreshToken);
      }
      underWay.push(inFlight);
      try {
        await step(process, `token request with ${refreshToken}`);
        const definite = definiteAnswer(fault);
        if (definite !== undefined) return definite;
        const acts = fault !== "timed out before it acted";
        const successor = acts ? provider.redeem(refreshToken) : undefined;
        await step(process, "provider's response");
        if (fault.startsWith("timed out")) leapTo(inFlight.deadlineMs);
        if (inFlight.isOver) return { kind: "timed_out" };
        if (fault !== "none") return { kind: "broken_off", reason: "reset" };
        if (successor === undefined) {
          return {
            kind: "refused",
            providerError: "invalid_grant",
            providerErrorDescription: undefined,
          };
        }
        arrived.add(successor);
        return granted(successor, nowMs);
      } finally {
        inFlight.isOver = true;
      }
    };

  const cipherOf = (process: number): TokenCipher => ({
    ...plainCipher,
    open: async (credentials, key) => {
      await step(process, "key service");
      return plainCipher.open(credentials, key);
    },
  });

  const processes = [0, 1, 2].map((process) => {
    let leases = 0;
    const telemetry: Telemetry = { emit: (event) => void events.push(event) };
    const tokenEndpoint = { refresh: requestTo(process), originOf: plainOriginOf };
    const { holds, evidence } = new SharedTrouble({ nowMs: () => nowMs }).view();
    const dependencies: RefreshDependencies = {
      store: overStore(process),
      ...withoutRebinds,
      tokenEndpoint,
      cipher: cipherOf(process),
      registry: { registration: async () => registration },
      rescueQueue: {
        keep: async (commit) => {
          if (!scenario.rescueWorks) throw new Error("no rescue queue");
          rescued.push(commit);
        },
      },
      holds,
      circuitBreaker: circuitBreaker({
        ...{ holds, evidence, tokenEndpoint, telemetry },
        clock: { nowMs: () => nowMs },
      }),
      limits: limitsInMemory(),
      telemetry,
      clock: {
        nowMs: () => nowMs,
        sleep: async (durationMs, signal) => {
          const wakesAtMs = nowMs + durationMs;
          await scheduler.schedule(Promise.resolve(), `wake-up (process ${process})`);
          if (signal?.aborted !== true) leapTo(wakesAtMs);
        },
      },
      random: () => 0.5,
      newLeaseId: () => `lease-${process}-${++leases}`,
      budget,
      coalesceWindowMs,
      schedule,
    };
    return refreshConnection(dependencies);
  });

  const call = async ({ force, process }: Scenario["callers"][number]): Promise<string> => {
    const endsAtMs = nowMs + budget.functionTimeoutMs;
    const invocation = { remainingMs: () => endsAtMs - nowMs };
    try {
      const refresh = processes[process] ?? (() => Promise.reject(new Error("no such process")));
      const outcome = await refresh({ connectionId, workspaceId, force, invocation });
      return outcome.kind === "failed" ? outcome.error.code : outcome.kind;
    } catch (error) {
      if (error instanceof RefreshError) return error.code;
      throw error;
    }
  };

  return {
    provider,
    overlaps,
    arrived,
    call,
    leapBy: (durationMs: number) => leapTo(nowMs + durationMs),
    connection: () => store.stored(connectionId),
    isKept: (refreshToken: string) =>
      stored.has(refreshToken) ||
      rescued.some((commit) => refreshTokenOf(commit) === refreshToken) ||
      events.some((event) => keptInTelemetry(event) === refreshToken),
    hasDied: () => isDead,
    elapsedMs: () => nowMs - startMs,
  };
}

const definiteAnswer = (fault: ProviderFault): TokenResult | undefined => {
  if (fault === "503") return { kind: "unavailable", reason: "503", retryAfterMs: undefined };
  if (fault === "429") return { kind: "rate_limited", retryAfterMs: 1_000 };
  if (fault === "500") return { kind: "unusable", reason: "500", serverFailed: true };
  return undefined;
};

const refreshTokenOf = ({ credentials }: Pick<TokenSetCommit, "credentials">): string =>
  opened(credentials).refreshToken?.reveal() ?? "none";

const keptInTelemetry = (event: RefreshEvent): string | undefined => {
  if (event.code === "commit.superseded") return refreshTokenOf(event);
  if (event.code === "commit.last_resort") return refreshTokenOf(event.commit);
  return undefined;
};

interface Run extends ReturnType<typeof world> {
  readonly outcomes: readonly (string | undefined)[];
}

async function run(scheduler: fc.Scheduler, scenario: Scenario): Promise<Run> {
  const seen = world(scheduler, scenario);
  const outcomes: (string | undefined)[] = scenario.callers.map(() => undefined);
  const calls = scenario.callers.map(async (caller, index) => {
    await scheduler.schedule(Promise.resolve(), `call ${index}`);
    outcomes[index] = await seen.call(caller);
  });
  for (const leapMs of scenario.leapsMs) {
    void scheduler
      .schedule(Promise.resolve(), `leap of ${leapMs} ms`)
      .then(() => seen.leapBy(leapMs));
  }
  await scheduler.waitIdle();
  // Nothing is scheduled any more: a call without an outcome will have none.
  await Promise.race([Promise.allSettled(calls), Promise.resolve()]);
  return { ...seen, outcomes };
}

const holdsInEveryOrder = (
  invariant: (run: Run, scenario: Scenario) => void,
  inScenarios: fc.Arbitrary<Scenario> = scenarios,
) =>
  assertProperty(
    "interleaving",
    fc.asyncProperty(fc.scheduler(), inScenarios, async (scheduler, scenario) => {
      invariant(await run(scheduler, scenario), scenario);
    }),
  );

describe("however the requests of several processes interleave, and whatever fails", () => {
  test("the provider sees no two token requests at once with one refresh token", () =>
    holdsInEveryOrder(({ overlaps }) => expect(overlaps).toEqual([])));

  test("a rotated refresh token that arrived is stored, or rescued, or in the telemetry", () =>
    holdsInEveryOrder(({ arrived, isKept, hasDied }) => {
      const lost = [...arrived].filter((refreshToken) => !isKept(refreshToken));
      // A process may die between the provider's last byte and its first durable write, once.
      expect(lost.length).toBeLessThanOrEqual(hasDied() ? 1 : 0);
    }));

  test("no connection is expired whose stored token the provider would accept", () =>
    holdsInEveryOrder(({ connection, provider }) => {
      const { status, credentials } = connection() ?? {};
      if (status !== "expired" || credentials === undefined) return;
      expect(provider.accepts(opened(credentials).refreshToken?.reveal())).toBe(false);
    }));

  test("every caller of a process that lives gets an outcome", () =>
    holdsInEveryOrder(({ outcomes, hasDied }, { callers }) => {
      const withoutOutcome = callers.filter(
        ({ process }, index) => outcomes[index] === undefined && !(process === 0 && hasDied()),
      );
      expect(withoutOutcome).toEqual([]);
    }));

  test("and where nothing fails, the stored token is the provider's newest and all succeed", () =>
    holdsInEveryOrder(({ outcomes, connection, provider, elapsedMs }) => {
      // A token request that is later than that may not be sent under the lease, which is a failure too.
      fc.pre(elapsedMs() <= budget.leaseMs - budget.providerTimeoutMs - budget.commitReserveMs);
      const { credentials, lease } = connection() ?? {};
      expect(lease).toBeUndefined();
      expect(credentials && opened(credentials).refreshToken?.reveal()).toBe(provider.current());
      for (const outcome of outcomes) expect(["refreshed", "coalesced"]).toContain(outcome);
    }, undisturbedScenarios));
});
