import { type Connection, keyOf, leaseIsLive } from "../model/connection.ts";
import { StoreUnavailable } from "../model/errors.ts";
import { coalesced, failed, type RefreshOutcome, storedFailure } from "../model/outcome.ts";
import type { Invocation } from "../ports/clock.ts";
import type { Using } from "./dependencies.ts";

const firstPollMs = 100;
const slowestPollMs = 1_000;

/**
 * Polls a connection that another caller holds, until there is an outcome:
 *
 *     failure stored under the lease   → the same failure
 *     version moved                    → coalesced
 *     lease ended, nothing stored      → undefined: the holder died, or never began
 *     this call's own time is up       → 503 refresh_in_progress
 *
 * @param seen the connection with the lease to wait for
 */
export async function waitForHolder(
  dependencies: Using<"store" | "clock" | "budget">,
  invocation: Invocation,
  seen: Connection,
): Promise<RefreshOutcome | undefined> {
  const { clock, budget } = dependencies;
  // A lease that is kept after its failure has no more outcomes: the provider may still be at work.
  const hasFailed = failedUnderLease(seen);
  for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 2, slowestPollMs)) {
    if (invocation.remainingMs() - pollMs < budget.answerReserveMs) {
      return failed("refresh_in_progress");
    }
    await clock.sleep(pollMs);
    const now = await readIfAvailable(dependencies, seen);
    if (now === "unavailable") continue;
    if (now === undefined) return failed("connection_not_found");
    if (!hasFailed && now.failure?.leaseId === seen.lease?.leaseId) {
      return storedFailure(now, clock.nowMs());
    }
    if (now.credentialsVersion !== seen.credentialsVersion) return coalesced(now);
    if (now.lease?.leaseId !== seen.lease?.leaseId || !leaseIsLive(now, clock.nowMs())) {
      return undefined;
    }
  }
}

const failedUnderLease = ({ failure, lease }: Connection): boolean =>
  failure !== undefined && failure.leaseId === lease?.leaseId;

/** One read that fails does not end the wait: the budget does. */
async function readIfAvailable(
  { store }: Using<"store">,
  seen: Connection,
): Promise<Connection | undefined | "unavailable"> {
  try {
    return await store.read(keyOf(seen));
  } catch (error) {
    if (error instanceof StoreUnavailable) return "unavailable";
    throw error;
  }
}
