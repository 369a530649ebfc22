import { circuitBreaker } from "../../functions/domain/integration/circuit-breaker.ts";
import type { ConnectionId } from "../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../functions/domain/model/errors.ts";
import {
  latestTurnMs,
  redeliveryMs,
  rescueTimeoutMs,
  takeOverTurnMs,
} from "../../functions/domain/model/take-over.ts";
import type {
  ConnectionStore,
  TokenSetCommit,
} from "../../functions/domain/ports/connection-store.ts";
import type { TokenRequest, TokenResult } from "../../functions/domain/ports/token-endpoint.ts";
import type { RefreshDependencies } from "../../functions/domain/refresh/dependencies.ts";
import { refreshConnection } from "../../functions/domain/refresh.ts";
import { rescueTokens } from "../../functions/domain/rescue.ts";
import { refreshDue } from "../../functions/domain/scheduled-refresh.ts";
import { inMemoryConnectionStore } from "../support/in-memory-connection-store.ts";
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
  workspaceId,
} from "../support/refresh-harness.ts";
import { SharedTrouble } from "../support/shared-trouble.ts";
import { virtualTime } from "../support/virtual-time.ts";

/** When the queue gives a rescued token set out first. */
const firstDeliveryMs = 5_000;
const invocationsLastMs = 12 * 60_000;

interface Campaign {
  readonly families: number;
  /** The store takes no request for this long, from the moment on at which the refreshes are in flight. */
  readonly outageMs: number;
  readonly callersReturn: boolean;
  readonly scheduleRuns: boolean;
}

/** A fleet at a provider that revokes the family when a refresh token is used twice, and a store that goes. */
async function run({ families, outageMs, callersReturn, scheduleRuns }: Campaign) {
  const time = virtualTime(startMs);
  const ids = Array.from({ length: families }, (_, i) => `conn_${i}` as ConnectionId);
  const memory = inMemoryConnectionStore({
    connections: ids.map((connectionId) =>
      connection({
        connectionId,
        credentials: sealed(tokenSet(`${connectionId}:0`)),
        refreshAtMs: startMs - 1_000,
      }),
    ),
  });
  const current = new Map<string, number>();
  const revoked = new Set<string>();
  let outage = { fromMs: Number.POSITIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };

  const redeem = (refreshToken: string): string | undefined => {
    const [family = "", serial] = refreshToken.split(":");
    const newest = current.get(family) ?? 0;
    if (Number(serial) !== newest) revoked.add(family);
    if (revoked.has(family)) return undefined;
    current.set(family, newest + 1);
    return `${family}:${newest + 1}`;
  };
  const refresh = async (request: TokenRequest): Promise<TokenResult> => {
    if (!request.maySend()) return { kind: "not_sent" };
    const successor = redeem(request.refreshToken?.reveal() ?? "");
    if (outage.fromMs === Number.POSITIVE_INFINITY) {
      outage = { fromMs: time.nowMs(), toMs: time.nowMs() + outageMs };
    }
    await time.sleep(200);
    return successor === undefined
      ? { kind: "refused", providerError: "invalid_grant", providerErrorDescription: undefined }
      : granted(successor, time.nowMs());
  };
  const failing =
    <Args extends unknown[], Result>(operation: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      await time.sleep(1);
      const nowMs = time.nowMs();
      if (nowMs > outage.fromMs && nowMs < outage.toMs) throw new StoreUnavailable("DynamoDB");
      return operation(...args);
    };
  const store: ConnectionStore = {
    read: failing(memory.read),
    acquireLease: failing(memory.acquireLease),
    scheduleTakeOver: failing(memory.scheduleTakeOver),
    commit: failing(memory.commit),
    recordFailure: failing(memory.recordFailure),
    releaseLease: failing(memory.releaseLease),
    postpone: failing(memory.postpone),
  };

  let ids_ = 0;
  const newLeaseId = () => `lease-${++ids_}`;
  const telemetry = { emit: () => {} };
  const rescueOne = rescueTokens({
    ...{ store, cipher: plainCipher, telemetry, clock: time, newLeaseId },
  });
  const deliveries: Promise<void>[] = [];
  const deliver = async (commit: TokenSetCommit): Promise<void> => {
    await time.sleep(firstDeliveryMs);
    const endOfLeaseMs = commit.committedAtMs + budget.leaseMs;
    for (;;) {
      try {
        await rescueOne(commit);
        return;
      } catch {
        await time.sleep(redeliveryMs(time.nowMs() - endOfLeaseMs));
      }
    }
  };
  const tokenEndpoint = { refresh, originOf: plainOriginOf };
  const { holds, evidence } = new SharedTrouble(time).view();
  const dependencies: RefreshDependencies = {
    ...{ store, telemetry, clock: time, newLeaseId, holds, budget, schedule, coalesceWindowMs },
    ...withoutRebinds,
    tokenEndpoint,
    cipher: plainCipher,
    registry: { registration: async () => ({ ...registration, rotation: "always" }) },
    rescueQueue: { keep: async (commit) => void deliveries.push(deliver(commit)) },
    circuitBreaker: circuitBreaker({ holds, evidence, tokenEndpoint, clock: time, telemetry }),
    limits: limitsInMemory(),
    random: () => 0.5,
  };
  const invocation = () => {
    const endsAtMs = time.nowMs() + budget.functionTimeoutMs;
    return { remainingMs: () => endsAtMs - time.nowMs() };
  };

  /** A caller of the API that heeds Retry-After. */
  const caller = async (connectionId: ConnectionId): Promise<void> => {
    const ask = refreshConnection(dependencies);
    while (time.nowMs() < startMs + invocationsLastMs + outageMs) {
      const outcome = await ask({ connectionId, workspaceId, invocation: invocation() });
      if (outcome.kind !== "failed" || !callersReturn) return;
      await time.sleep((outcome.error.retryAfterSeconds ?? 1) * 1000);
    }
  };
  /** The schedule, as sweep and queue would run it. */
  const scheduled = async (connectionId: ConnectionId): Promise<void> => {
    const work = refreshDue({
      ...dependencies,
      refreshConnection: refreshConnection(dependencies),
    });
    while (time.nowMs() < startMs + invocationsLastMs + outageMs) {
      await time.sleep(60_000);
      const { refreshAtMs } = memory.stored(connectionId) ?? {};
      if (refreshAtMs === undefined || refreshAtMs > time.nowMs()) continue;
      const due = { connectionId, workspaceId, integration: "acme", refreshAtMs };
      await work(due, invocation()).catch(() => {});
    }
  };
  await time.runUntil(
    Promise.all([...ids.map(caller), ...(scheduleRuns ? ids.map(scheduled) : [])]),
  );
  await time.runUntil(Promise.all(deliveries));
  const alive = ids.filter((id) => {
    const { status, credentials } = memory.stored(id) ?? {};
    const stored = credentials && opened(credentials).refreshToken?.reveal();
    return status === "active" && !revoked.has(id) && stored === `${id}:${current.get(id)}`;
  });
  return { alive: alive.length, revoked: revoked.size };
}

describe("after an outage of the store, with refreshes in flight at a strict provider", () => {
  test.each([22_000, 30_000, 60_000, 10 * 60_000, 60 * 60_000])(
    "of %s ms, every family lives, its newest token stored: callers that heed Retry-After",
    async (outageMs) => {
      const campaign = { families: 20, outageMs, callersReturn: true, scheduleRuns: false };
      expect(await run(campaign)).toEqual({ alive: 20, revoked: 0 });
    },
  );

  test.each([22_000, 30_000, 60_000, 10 * 60_000])(
    "of %s ms, every family lives: the schedule alone",
    async (outageMs) => {
      const campaign = { families: 20, outageMs, callersReturn: false, scheduleRuns: true };
      expect(await run(campaign)).toEqual({ alive: 20, revoked: 0 });
    },
  );
});

describe("the turn of a take-over", () => {
  const ages = [0, 1, 4_999, 5_000, 20_000, 80_000, 81_000, 600_000, 2_400_000, 86_400_000];

  test.each(ages)("comes after a rescue that failed at any time before: age %s", (ageMs) => {
    const endMs = startMs;
    const nowMs = endMs + ageMs;
    const turnMs = takeOverTurnMs(endMs, nowMs);
    for (let failedMs = 0; failedMs <= ageMs; failedMs += Math.max(1, Math.floor(ageMs / 500))) {
      const returnsMs = endMs + failedMs + redeliveryMs(failedMs);
      expect(returnsMs + rescueTimeoutMs).toBeLessThanOrEqual(turnMs);
    }
    expect(turnMs).toBeLessThanOrEqual(latestTurnMs(nowMs));
  });

  test("a day of redeliveries stays below the thousand receives of a queue", () => {
    let receives = 0;
    for (let ageMs = 0; ageMs < 86_400_000; ageMs += redeliveryMs(ageMs)) receives++;
    expect(receives).toBeLessThan(1_000);
  });

  test("a lease that claims to end in years has its turn as if it ended now", () => {
    const endMs = startMs + 365 * 86_400_000;
    expect(takeOverTurnMs(endMs, startMs)).toBeLessThanOrEqual(startMs + 30_000);
  });
});
