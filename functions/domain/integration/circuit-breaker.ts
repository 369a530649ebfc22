import type { RegistrationName } from "../model/connection.ts";
import type { HoldReason, IntegrationHold } from "../model/integration-hold.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import type { Clock } from "../ports/clock.ts";
import type { IntegrationHolds } from "../ports/integration.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { TokenResult } from "../ports/token-endpoint.ts";

/** Failures in a row, within one process, after which a provider counts as failing. */
const failuresToHold = 5;

const firstHoldMs: Readonly<Record<HoldReason, number>> = {
  client_rejected: 60_000,
  rate_limited: 5_000,
  provider_failing: 30_000,
};
const longestHoldMs = 15 * 60_000;

/** A hold doubles with each one that follows it, unless the provider itself says how long. */
export function nextHold(
  reason: HoldReason,
  registrationVersion: string,
  previous: IntegrationHold | undefined,
  nowMs: number,
  retryAfterMs?: number,
): IntegrationHold {
  const count = (previous?.count ?? 0) + 1;
  const holdMs = Math.min(firstHoldMs[reason] * 2 ** Math.min(count - 1, 20), longestHoldMs);
  return {
    reason,
    beganAtMs: previous?.beganAtMs ?? nowMs,
    untilMs: nowMs + (retryAfterMs === undefined ? holdMs : Math.max(retryAfterMs, 1_000)),
    count,
    registrationVersion,
  };
}

/**
 * What a final answer says of the provider, for all connections of a client registration:
 *
 *     closed ── a run of failures, a 429 with Retry-After, a rejected client ──▶ open: held until a time
 *       ▲                                                                        │ the time has come
 *       └────────── the probe is answered ──────── half-open: one probe ◀────────┘
 *                                                       │ it is not
 *                                                       └──▶ open, for longer
 */
export interface CircuitBreaker {
  /**
   * @param known the hold that the caller was let through on, if any
   * @returns the hold that the answer has led to
   */
  report(
    registration: ClientRegistration,
    answer: TokenResult,
    known: IntegrationHold | undefined,
  ): Promise<IntegrationHold | undefined>;
}

export interface CircuitBreakerDependencies {
  readonly holds: IntegrationHolds;
  readonly clock: Pick<Clock, "nowMs">;
  readonly telemetry: Telemetry;
}

/** Counts runs of failures in this process; what comes of them is known to all. */
export function circuitBreaker({
  holds,
  clock,
  telemetry,
}: CircuitBreakerDependencies): CircuitBreaker {
  const failuresInARow = new Map<RegistrationName, number>();

  const verdictOn = (
    { name }: ClientRegistration,
    answer: TokenResult,
    known: IntegrationHold | undefined,
  ): HoldReason | "well" | undefined => {
    if (answer.kind === "not_sent" || answer.kind === "misconfigured") return undefined;
    if ("concerns" in answer && answer.concerns === "connection") return "well";
    if (answer.kind === "client_rejected") return "client_rejected";
    if (answer.kind === "rate_limited") {
      return answer.retryAfterMs === undefined ? undefined : "rate_limited";
    }
    if (!providerFailed(answer)) return "well";
    const failures = (failuresInARow.get(name) ?? 0) + 1;
    failuresInARow.set(name, failures);
    return known !== undefined || failures >= failuresToHold ? "provider_failing" : undefined;
  };

  return {
    async report(registration, answer, known) {
      const { name, version } = registration;
      const verdict = verdictOn(registration, answer, known);
      if (verdict === undefined) return undefined;
      failuresInARow.delete(name);
      if (verdict === "well") {
        if (known !== undefined) {
          await holds.lift(name, known);
          telemetry.emit({ code: "integration.recovered", registrationName: name });
        }
        return undefined;
      }
      const retryAfterMs = "retryAfterMs" in answer ? answer.retryAfterMs : undefined;
      const hold = nextHold(verdict, version, known, clock.nowMs(), retryAfterMs);
      await holds.place(name, hold, known);
      telemetry.emit({
        code: "integration.held",
        registrationName: name,
        reason: verdict,
        untilMs: hold.untilMs,
      });
      return hold;
    },
  };
}

/** 5xx, no answer, no connection: the provider's trouble, whoever's connection it was. */
const providerFailed = (answer: TokenResult): boolean =>
  answer.kind === "unavailable" ||
  answer.kind === "timed_out" ||
  answer.kind === "broken_off" ||
  (answer.kind === "unusable" && answer.serverFailed);
