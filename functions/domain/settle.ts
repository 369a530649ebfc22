import type { Attempt } from "./attempt.ts";
import type { Connection, Failure, Lease } from "./connection.ts";
import { RefreshError } from "./errors.ts";
import type { ClientRegistration, GrantAnswer } from "./ports.ts";
import { keyOf, type RefreshDependencies, type RefreshOutcome } from "./refresh.ts";

/** What a final answer without tokens means for the connection and for everyone who asked. */
export async function settle(
  dependencies: RefreshDependencies,
  attempt: Attempt,
  registration: ClientRegistration,
  answer: Exclude<GrantAnswer, { kind: "granted" }>,
): Promise<RefreshOutcome> {
  const { connection, lease } = attempt;
  if (answer.kind === "not_sent") {
    dependencies.journal.record({ code: "lease.lost", ...keyOf(connection) });
    await release(dependencies, connection, lease);
    throw new RefreshError("refresh_in_progress");
  }
  if (answer.kind === "client_rejected") {
    await dependencies.holds.place(registration.name, {
      untilMs: dependencies.clock.nowMs() + clientHoldMs,
      registrationVersion: registration.version,
    });
    dependencies.journal.record({
      code: "client.held",
      ...keyOf(connection),
      registrationName: registration.name,
    });
  }
  const error = errorFrom(answer, connection);
  return recordAndThrow(dependencies, attempt, error, answer);
}

const clientHoldMs = 60_000;

function errorFrom(
  answer: Exclude<GrantAnswer, { kind: "granted" | "not_sent" }>,
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
  answer: GrantAnswer,
): Promise<RefreshOutcome> {
  const { store, journal } = dependencies;
  const failure = nextFailure(dependencies, connection, lease, error, answer);
  const isDead = answer.kind === "refused";
  try {
    const recorded = await store.recordFailure({
      ...keyOf(connection),
      leaseId: lease.leaseId,
      expectedVersion: connection.credentialsVersion,
      failure,
      status: isDead ? "expired" : undefined,
      // After a timeout the provider may still be at it: the rest of the lease keeps others away.
      keepLease: answer.kind === "timed_out",
      unschedule: isDead,
    });
    if (recorded.kind === "absent") throw new RefreshError("connection_not_found");
    if (recorded.kind === "superseded") return outcomeOfOthers(connection, recorded.connection);
  } catch (cause) {
    if (cause instanceof RefreshError) throw cause;
    journal.record({ code: "failure.unrecorded", ...keyOf(connection), cause });
    // An unrecorded refusal must not be believed: nobody checked that the token is still the stored one.
    if (isDead) throw cause;
  }
  journal.record({
    code: "refresh.failed",
    ...keyOf(connection),
    integration: connection.integration,
    failure: error.code,
    reason: error.message,
    providerError: failure.providerError,
    providerErrorDescription: failure.providerErrorDescription,
  });
  throw error;
}

/** Another holder has the lease now, or has committed: its word counts. */
function outcomeOfOthers(read: Connection, stored: Connection): RefreshOutcome {
  if (stored.credentialsVersion === read.credentialsVersion) {
    throw new RefreshError("refresh_in_progress");
  }
  const { connectionId, expiresAtMs } = stored;
  return { kind: "coalesced", connectionId, expiresAtMs };
}

function nextFailure(
  { clock }: RefreshDependencies,
  { failure: previous }: Connection,
  { leaseId }: Lease,
  error: RefreshError,
  answer: GrantAnswer,
): Failure {
  const nowMs = clock.nowMs();
  const { code, retryAfterSeconds } = error;
  return {
    code,
    count: (previous?.count ?? 0) + 1,
    beganAtMs: previous?.beganAtMs ?? nowMs,
    lastAtMs: nowMs,
    leaseId,
    retryAtMs: retryAfterSeconds === undefined ? undefined : nowMs + retryAfterSeconds * 1000,
    providerError: "providerError" in answer ? answer.providerError : undefined,
    providerErrorDescription:
      "providerErrorDescription" in answer ? answer.providerErrorDescription : undefined,
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
  { store, journal }: RefreshDependencies,
  connection: Connection,
  { leaseId }: Lease,
): Promise<void> {
  try {
    await store.releaseLease(keyOf(connection), leaseId);
  } catch (cause) {
    journal.record({ code: "lease.unreleased", ...keyOf(connection), cause });
  }
}
