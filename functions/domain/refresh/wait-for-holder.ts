import { type Connection, keyOf, leaseIsLive } from "../model/connection.ts";
import { isTransient, RefreshError, StoreUnavailable } from "../model/errors.ts";
import type { Invocation } from "../ports/clock.ts";
import type { RefreshDependencies, RefreshOutcome } from "../refresh.ts";

const firstPollMs = 100;
const slowestPollMs = 1_000;

/**
 * Watches a lease that somebody else holds, and answers with what comes of it:
 *
 *     failure recorded under the lease → the same failure
 *     version moved                    → coalesced
 *     lease ended, nothing recorded    → undefined: the holder died, or never began
 *     own time up                      → 503 refresh_in_progress
 *
 * @param seen the connection with the lease to follow
 */
export async function waitForHolder(
  dependencies: RefreshDependencies,
  invocation: Invocation,
  seen: Connection,
): Promise<RefreshOutcome | undefined> {
  const { clock, budget } = dependencies;
  // A lease kept after its failure only waits for the provider to be done: there is no more to learn.
  const isSettled = failedUnder(seen);
  for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 2, slowestPollMs)) {
    if (invocation.remainingMs() - pollMs < budget.answerReserveMs) {
      throw new RefreshError("refresh_in_progress");
    }
    await clock.sleep(pollMs);
    const now = await readIfAvailable(dependencies, seen);
    if (now === "unavailable") continue;
    if (now === undefined) throw new RefreshError("connection_not_found");
    if (!isSettled && now.failure?.leaseId === seen.lease?.leaseId) {
      throw sharedFailure(now, clock.nowMs());
    }
    if (now.credentialsVersion !== seen.credentialsVersion) {
      const { connectionId, expiresAtMs } = now;
      return { kind: "coalesced", connectionId, expiresAtMs };
    }
    if (now.lease?.leaseId !== seen.lease?.leaseId || !leaseIsLive(now, clock.nowMs())) {
      return undefined;
    }
  }
}

const failedUnder = ({ failure, lease }: Connection): boolean =>
  failure !== undefined && failure.leaseId === lease?.leaseId;

/** One read that fails is no reason to give up waiting: the budget ends the wait. */
async function readIfAvailable(
  { store }: RefreshDependencies,
  seen: Connection,
): Promise<Connection | undefined | "unavailable"> {
  try {
    return await store.read(keyOf(seen));
  } catch (error) {
    if (error instanceof StoreUnavailable) return "unavailable";
    throw error;
  }
}

function sharedFailure({ failure, integration }: Connection, nowMs: number): RefreshError {
  const code = failure?.code ?? "internal_error";
  const retryAtMs = failure?.retryAtMs;
  const isForNow = isTransient(code) && retryAtMs !== undefined;
  return new RefreshError(code, {
    integration,
    ...(isForNow && { retryAfterSeconds: Math.max(1, Math.ceil((retryAtMs - nowMs) / 1000)) }),
  });
}
