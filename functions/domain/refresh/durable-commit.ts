import { withTimeout } from "../async/timeout.ts";
import { keyOf } from "../model/connection.ts";
import { StoreUnavailable } from "../model/errors.ts";
import { coalesced, type FailedRefresh, type FreshToken, failed } from "../model/outcome.ts";
import type { Invocation } from "../ports/clock.ts";
import type { CommitResult, TokenSetCommit, WriteResult } from "../ports/connection-store.ts";
import type { Attempt, Using } from "./dependencies.ts";

/** A commit that takes longer than this is under way in a store that is in trouble. */
const promptMs = 300;

type Committed = { readonly kind: "done" } | FreshToken | FailedRefresh;

/**
 * Makes a granted token set durable: in the store, or else in the rescue queue, or else in the log. A
 * process can be killed while it tries again and again, so a token set that is not committed promptly goes
 * to the rescue queue meanwhile: a token set that is in both places is committed once.
 *
 *     granted        300 ms                              invocation ends
 *     ├── commit ──────┼── commit, again and again ────────┤
 *                      ├── rescue queue                    ├── rescue queue, unless it is there
 *
 * @returns `done`, or the outcome of the refresh where this token set is not the stored one
 */
export async function commitDurably(
  dependencies: Using<"store" | "rescueQueue" | "clock" | "budget" | "random" | "telemetry">,
  attempt: Attempt,
  commit: TokenSetCommit,
): Promise<Committed> {
  const { clock, rescueQueue, telemetry } = dependencies;
  const committing = commitWhileTimeLasts(dependencies, attempt, commit);
  let queueing: Promise<boolean> | undefined;
  try {
    const prompt = await withTimeout(clock, promptMs, committing);
    queueing =
      prompt === undefined
        ? rescueQueue.keep(commit).then(
            () => true,
            () => false,
          )
        : undefined;
    const written = prompt?.value ?? (await committing);
    if (written.kind === "done") return written;
    if (written.kind === "absent") {
      telemetry.emit({ code: "commit.absent", ...keyOf(commit) });
      return failed("connection_not_found");
    }
    const { expectedVersion, credentials } = commit;
    // The stored token set is newer. This one is kept as ciphertext, and not thrown away.
    telemetry.emit({ code: "commit.superseded", ...keyOf(commit), expectedVersion, credentials });
    return coalesced(written.connection);
  } catch (cause) {
    await rescue(dependencies, commit, await queueing);
    return { ...failed("store_unavailable", { cause }), followUp: "rescue" };
  }
}

const firstRetryMs = 50;
const slowestRetryMs = 1_000;

/**
 * Commits for as long as the invocation lives. The condition is the version, and that nobody else holds a live
 * lease, so the commit can be tried again after its response was lost, and after the lease has ended.
 *
 * @throws the error of the last try
 */
async function commitWhileTimeLasts(
  dependencies: Using<"store" | "clock" | "budget" | "random" | "telemetry">,
  { lease, invocation }: Attempt,
  commit: TokenSetCommit,
): Promise<WriteResult> {
  const { store, clock, budget, telemetry, random } = dependencies;
  for (let attempt = 1; ; attempt++) {
    try {
      const committer = { leaseId: lease.leaseId, nowMs: clock.nowMs() };
      const result = await inTime(dependencies, invocation, store.commit(commit, committer));
      if (result.kind !== "held") return result;
      throw new StoreUnavailable("the connection", new Error("another caller holds its lease"));
    } catch (cause) {
      telemetry.emit({ code: "commit.retried", ...keyOf(commit), attempt, cause });
      const delayMs = Math.min(firstRetryMs * 2 ** attempt, slowestRetryMs) * random();
      const hasTime = invocation.remainingMs() - delayMs > budget.answerReserveMs;
      if (!(cause instanceof StoreUnavailable) || !hasTime) throw cause;
      await clock.sleep(delayMs);
    }
  }
}

/** A response that does not come must not cost the time in which the token set can still be rescued. */
async function inTime(
  { clock, budget }: Using<"clock" | "budget">,
  invocation: Invocation,
  committing: Promise<CommitResult>,
): Promise<CommitResult> {
  const timeoutMs = invocation.remainingMs() - budget.answerReserveMs;
  const written = await withTimeout(clock, timeoutMs, committing);
  if (written !== undefined) return written.value;
  throw new StoreUnavailable(
    "the connection store",
    new Error("no response within the invocation"),
  );
}

async function rescue(
  { rescueQueue, telemetry }: Using<"rescueQueue" | "telemetry">,
  commit: TokenSetCommit,
  isQueued = false,
): Promise<void> {
  try {
    if (!isQueued) await rescueQueue.keep(commit);
    telemetry.emit({ code: "commit.rescued", ...keyOf(commit) });
  } catch {
    telemetry.emit({ code: "commit.last_resort", ...keyOf(commit), commit });
  }
}
