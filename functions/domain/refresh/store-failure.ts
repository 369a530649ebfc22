import { type Connection, type Failure, keyOf } from "../model/connection.ts";
import { type CountedErrorCode, isTransient, RefreshError } from "../model/errors.ts";
import type { IntegrationHold } from "../model/integration-hold.ts";
import { coalesced, failed, type RefreshOutcome } from "../model/outcome.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import type { Rescheduling } from "../ports/connection-store.ts";
import { effectiveEndMs } from "../schedule/assumed-end.ts";
import { dueAfterFailure, dueAfterHold } from "../schedule/due.ts";
import { keepsLease, retryAtMs } from "./ambiguity.ts";
import type { Attempt, Using } from "./dependencies.ts";
import { codeOf, emitFailure, errorOf, type FailedTokenResult, failureOf } from "./failure.ts";
import { judgeRefusal, type Refusal } from "./refusal.ts";

/**
 * Stores a failed token request with its connection, together with the next attempt. A refusal counts only
 * for the token that is stored now: the write names the version that was read, and where that has moved
 * on, the stored tokens are the outcome.
 *
 * @param hold the hold that the result has placed on the integration, if any
 */
export async function storeFailure(
  dependencies: Using<"store" | "telemetry" | "clock" | "random" | "schedule" | "budget">,
  attempt: Attempt,
  registration: ClientRegistration,
  result: Exclude<FailedTokenResult, { kind: "rotated" }>,
  hold: IntegrationHold | undefined,
): Promise<RefreshOutcome> {
  const { store, telemetry, clock, budget } = dependencies;
  const { connection, lease } = attempt;
  const nowMs = clock.nowMs();
  const refusal = result.kind === "refused" ? judgeRefusal(attempt, nowMs) : undefined;
  const unconfirmed = refusal?.kind === "unconfirmed" ? refusal : undefined;
  const code = unconfirmed === undefined ? codeOf(result) : "provider_error";
  const stored = failureOf(result, code, connection, lease, nowMs);
  const retryMs = unconfirmed?.retryAtMs ?? retryAtMs(result, stored, connection, registration);
  const failure = { ...stored, retryAtMs: retryMs };
  const retryAfterSeconds =
    retryMs === undefined ? undefined : Math.max(1, Math.ceil((retryMs - nowMs) / 1000));
  const error =
    unconfirmed === undefined
      ? errorOf(result, connection, retryAfterSeconds)
      : unconfirmedError(unconfirmed, connection, retryAfterSeconds);
  const isDead = refusal?.kind === "believed";
  const isGivenUp = hasLastedTooLong(dependencies, connection, failure);
  try {
    const written = await store.recordFailure({
      ...keyOf(connection),
      leaseId: lease.leaseId,
      expectedVersion: connection.credentialsVersion,
      failure,
      status: isDead ? "expired" : isGivenUp ? "error" : undefined,
      keepLease: keepsLease(result, registration, budget),
      schedule:
        isDead || isGivenUp ? "removed" : nextAttempt(dependencies, connection, failure, hold),
    });
    if (written.kind === "absent") return failed("connection_not_found");
    if (written.kind === "superseded") return outcomeOfOthers(connection, written.connection);
  } catch (cause) {
    telemetry.emit({ code: "failure.unrecorded", ...keyOf(connection), cause });
    // A refusal that is not stored is not believed: the stored token may be another one by now.
    if (isDead) throw cause;
  }
  emitFailure(telemetry, connection, error, failure);
  return { kind: "failed", error, followUp: "none" };
}

const unconfirmedError = (
  { reason }: Extract<Refusal, { kind: "unconfirmed" }>,
  { integration }: Connection,
  retryAfterSeconds: number | undefined,
): RefreshError<CountedErrorCode> =>
  new RefreshError<CountedErrorCode>("provider_error", {
    integration,
    reason: `Integration ${integration}: ${reason}.`,
    retryAfterSeconds,
  });

/** The connection comes back with the others of its integration when that is held, else by itself. */
function nextAttempt(
  { clock, random }: Using<"clock" | "random">,
  connection: Connection,
  failure: Failure,
  hold: IntegrationHold | undefined,
): Rescheduling {
  return hold === undefined
    ? dueAfterFailure(connection, failure, clock.nowMs(), random())
    : dueAfterHold(connection, hold, clock.nowMs(), random());
}

/** Transient failures that have lasted this far past the token's end are not transient: an operator has to look. */
function hasLastedTooLong(
  { clock, schedule }: Using<"clock" | "schedule">,
  connection: Connection,
  { code, beganAtMs }: Failure,
): boolean {
  const uselessSinceMs = Math.max(beganAtMs, effectiveEndMs(connection) ?? beganAtMs);
  return isTransient(code) && clock.nowMs() - uselessSinceMs >= schedule.giveUpAfterMs;
}

/** Another holder has the lease now, or has committed: its outcome is this one's. */
const outcomeOfOthers = (read: Connection, stored: Connection): RefreshOutcome =>
  stored.credentialsVersion === read.credentialsVersion
    ? failed("refresh_in_progress")
    : coalesced(stored);
