import { withTimeout } from "../async/timeout.ts";
import type { ConnectionKey } from "../model/connection.ts";
import { coalesced, failed, type RefreshOutcome } from "../model/outcome.ts";
import type { RefreshRequest, Using } from "./dependencies.ts";

/** The refreshes that this process has under way, by connection. */
export type RefreshesInProgress = Map<string, Promise<RefreshOutcome>>;

/**
 * Lets the calls of one process for one connection share one refresh. A call that joins takes the outcome
 * of the refresh that it joined where that serves it, and refreshes by itself where it does not.
 */
export async function joinRefresh(
  inProgress: RefreshesInProgress,
  request: RefreshRequest,
  dependencies: Using<"clock" | "budget">,
  refresh: () => Promise<RefreshOutcome>,
): Promise<RefreshOutcome> {
  const name = nameOf(request);
  for (;;) {
    const running = inProgress.get(name);
    if (running === undefined) {
      const started = refresh().finally(() => inProgress.delete(name));
      inProgress.set(name, started);
      return started;
    }
    const outcome = await outcomeInTime(running, request, dependencies);
    if (outcome === undefined) return failed("refresh_in_progress");
    if (outcome.kind !== "failed") {
      // A forced call needs a refresh that ended after it arrived, and not the coalesce window.
      if (outcome.kind === "refreshed" || !request.force) return coalesced(outcome);
    } else if (outcome.error.code !== "refresh_in_progress") {
      return outcome;
    }
  }
}

const nameOf = ({ workspaceId, connectionId }: ConnectionKey): string =>
  `${workspaceId}/${connectionId}`;

/** Undefined: the invocation of this call ends first. */
async function outcomeInTime(
  running: Promise<RefreshOutcome>,
  { invocation }: RefreshRequest,
  { clock, budget }: Using<"clock" | "budget">,
): Promise<RefreshOutcome | undefined> {
  const timeoutMs = invocation.remainingMs() - budget.answerReserveMs;
  return (await withTimeout(clock, timeoutMs, running))?.value;
}
