import type { Connection, Failure, Lease } from "../model/connection.ts";
import { keyOf } from "../model/connection.ts";
import { isTransient, RefreshError, type RefreshErrorCode } from "../model/errors.ts";
import type { Rescheduling } from "../ports/connection-store.ts";
import type { IntegrationHold } from "../ports/integration.ts";
import type { TokenResult } from "../ports/token-endpoint.ts";
import type { RefreshDependencies, RefreshOutcome } from "../refresh.ts";
import { dueAfterFailure, dueAfterHold } from "../schedule/due.ts";
import type { Attempt } from "./attempt.ts";

/**
 * What a final answer without tokens means for the connection and for everyone who asked.
 * @param hold what the answer has led to for the whole integration, if anything
 */
export async function storeFailure(
  dependencies: RefreshDependencies,
  attempt: Attempt,
  answer: Exclude<TokenResult, { kind: "granted" | "rotated" }>,
  hold: IntegrationHold | undefined,
): Promise<RefreshOutcome> {
  const { connection, lease } = attempt;
  if (answer.kind === "not_sent") {
    dependencies.telemetry.emit({ code: "lease.lost", ...keyOf(connection) });
    await release(dependencies, connection, lease);
    throw new RefreshError("refresh_in_progress");
  }
  return recordAndThrow(dependencies, attempt, errorFrom(answer, connection), answer, hold);
}

export function errorFrom(
  answer: Exclude<TokenResult, { kind: "granted" | "not_sent" }>,
  connection: Connection,
): RefreshError {
  const { integration } = connection;
  switch (answer.kind) {
    case "refused":
      return new RefreshError("reauthorization_required", { integration });
    case "client_rejected":
      return new RefreshError("client_rejected", {
        integration,
        reason: `Integration ${integration}: the provider said ${answer.providerError}.`,
      });
    case "rate_limited":
      return new RefreshError("provider_rate_limited", {
        integration,
        retryAfterSeconds: wholeSeconds(answer.retryAfterMs ?? defaultRetryAfterMs),
      });
    case "unavailable":
      return new RefreshError("provider_error", {
        integration,
        reason: `Integration ${integration}: ${answer.reason}.`,
        retryAfterSeconds: wholeSeconds(answer.retryAfterMs ?? defaultRetryAfterMs),
      });
    case "timed_out":
      return new RefreshError("provider_timeout", { integration });
    case "broken_off":
    case "unusable":
    case "rotated":
      return new RefreshError("provider_error", {
        integration,
        reason: `Integration ${integration}: ${answer.reason}.`,
      });
    case "misconfigured":
      return misconfigured(connection, answer.reason);
  }
}

const defaultRetryAfterMs = 5_000;
const wholeSeconds = (durationMs: number): number => Math.max(1, Math.ceil(durationMs / 1000));

/**
 * A refusal counts only of the token that is stored now: the record is written under the version that
 * was read, and where that has moved on, what is stored is the answer.
 */
async function recordAndThrow(
  dependencies: RefreshDependencies,
  { connection, lease }: Attempt,
  error: RefreshError,
  answer: TokenResult,
  hold: IntegrationHold | undefined,
): Promise<RefreshOutcome> {
  const { store, telemetry } = dependencies;
  const failure = nextFailure(dependencies, connection, lease, error, answer);
  const isDead = answer.kind === "refused";
  const isGivenUp = hasLastedTooLong(dependencies, connection, failure);
  try {
    const recorded = await store.recordFailure({
      ...keyOf(connection),
      leaseId: lease.leaseId,
      expectedVersion: connection.credentialsVersion,
      failure,
      status: isDead ? "expired" : isGivenUp ? "error" : undefined,
      // After a timeout the provider may still be at it: the rest of the lease keeps others away.
      keepLease: answer.kind === "timed_out",
      schedule:
        isDead || isGivenUp ? "removed" : nextAttempt(dependencies, connection, failure, hold),
    });
    if (recorded.kind === "absent") throw new RefreshError("connection_not_found");
    if (recorded.kind === "superseded") return outcomeOfOthers(connection, recorded.connection);
  } catch (cause) {
    if (cause instanceof RefreshError) throw cause;
    telemetry.emit({ code: "failure.unrecorded", ...keyOf(connection), cause });
    // An unrecorded refusal must not be believed: nobody checked that the token is still the stored one.
    if (isDead) throw cause;
  }
  throw failed(dependencies, connection, error, failure);
}

/** Tells of it, and hands it back to be thrown. */
export function failed(
  { telemetry }: RefreshDependencies,
  connection: Connection,
  error: RefreshError,
  { providerError, providerErrorDescription }: Failure,
): RefreshError {
  const { integration } = connection;
  telemetry.emit({
    code: "refresh.failed",
    ...keyOf(connection),
    ...{ integration, failure: error.code, reason: error.message },
    ...{ providerError, providerErrorDescription },
  });
  return error;
}

/** With others of its integration when that is held, by itself when the failure is its own. */
function nextAttempt(
  { clock, random }: RefreshDependencies,
  connection: Connection,
  failure: Failure,
  hold: IntegrationHold | undefined,
): Rescheduling {
  return hold === undefined
    ? dueAfterFailure(connection, failure, clock.nowMs(), random())
    : dueAfterHold(connection, hold, clock.nowMs(), random());
}

/** Nothing but failures that pass, for so long past the token's end that they do not: an operator has to look. */
function hasLastedTooLong(
  { clock, schedule }: RefreshDependencies,
  { expiresAtMs }: Connection,
  { code, beganAtMs }: Failure,
): boolean {
  const uselessSinceMs = Math.max(beganAtMs, expiresAtMs ?? beganAtMs);
  return isTransient(code) && clock.nowMs() - uselessSinceMs >= schedule.giveUpAfterMs;
}

/** Failures that pass and failures that somebody has to mend are no one run: only the former are given up. */
const runThatGoesOn = (
  previous: Failure | undefined,
  code: RefreshErrorCode,
): Failure | undefined =>
  previous !== undefined && isTransient(previous.code) === isTransient(code) ? previous : undefined;

/** Another holder has the lease now, or has committed: its word counts. */
function outcomeOfOthers(read: Connection, stored: Connection): RefreshOutcome {
  if (stored.credentialsVersion === read.credentialsVersion) {
    throw new RefreshError("refresh_in_progress");
  }
  const { connectionId, expiresAtMs } = stored;
  return { kind: "coalesced", connectionId, expiresAtMs };
}

export function nextFailure(
  { clock }: RefreshDependencies,
  { failure: previous }: Connection,
  { leaseId }: Lease,
  error: RefreshError,
  answer: TokenResult,
): Failure {
  return {
    ...failureAfter(previous, error, leaseId, clock.nowMs()),
    providerError: "providerError" in answer ? answer.providerError : undefined,
    providerErrorDescription:
      "providerErrorDescription" in answer ? answer.providerErrorDescription : undefined,
  };
}

/** One more in the run that the previous failure belongs to, or the first of another. */
export function failureAfter(
  previous: Failure | undefined,
  { code, retryAfterSeconds }: Pick<RefreshError, "code" | "retryAfterSeconds">,
  leaseId: string,
  nowMs: number,
): Failure {
  const run = runThatGoesOn(previous, code);
  return {
    code,
    count: (run?.count ?? 0) + 1,
    beganAtMs: run?.beganAtMs ?? nowMs,
    lastAtMs: nowMs,
    leaseId,
    retryAtMs: retryAfterSeconds === undefined ? undefined : nowMs + retryAfterSeconds * 1000,
    providerError: undefined,
    providerErrorDescription: undefined,
  };
}

export const misconfigured = ({ integration }: Connection, reason: string, cause?: unknown) =>
  new RefreshError("misconfigured_integration", {
    integration,
    reason: `Integration ${integration}: ${reason}.`,
    cause,
  });

/** An unlock that fails costs the others the rest of the lease, and nothing else. */
export async function release(
  { store, telemetry }: RefreshDependencies,
  connection: Connection,
  { leaseId }: Lease,
): Promise<void> {
  try {
    await store.releaseLease(keyOf(connection), leaseId);
  } catch (cause) {
    telemetry.emit({ code: "lease.unreleased", ...keyOf(connection), cause });
  }
}
