import type { RegistrationName } from "../model/connection.ts";
import type { HoldReason, IntegrationHold } from "../model/integration-hold.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import type { Clock } from "../ports/clock.ts";
import type { IntegrationHolds } from "../ports/integration.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { TokenResult } from "../ports/token-endpoint.ts";

/** This many failures in a row within one process make a provider count as failing. */
const failuresToHold = 5;

const firstHoldMs: Readonly<Record<HoldReason, number>> = {
  client_rejected: 60_000,
  rate_limited: 5_000,
  provider_failing: 30_000,
};
const longestHoldMs = 15 * 60_000;

/** Each successive hold is twice as long, unless the provider itself says how long. */
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
 * Draws conclusions from final results for all connections of a client registration:
 *
 *     closed ── a run of failures, a 429 with Retry-After, a rejected client ──▶ open: held until a time
 *       ▲                                                                        │ the time has come
 *       └────────── the probe succeeds ─────────── half-open: one probe ◀────────┘
 *                                                       │ the probe fails
 *                                                       └──▶ open, for longer
 */
export interface CircuitBreaker {
  /**
   * @param known the hold that the caller passed as its probe, if any
   * @returns the hold that the result has led to
   */
  report(
    registration: ClientRegistration,
    result: TokenResult,
    known: IntegrationHold | undefined,
  ): Promise<IntegrationHold | undefined>;
}

export interface CircuitBreakerDependencies {
  readonly holds: IntegrationHolds;
  readonly clock: Pick<Clock, "nowMs">;
  readonly telemetry: Telemetry;
}

/** Counts runs of failures in this process; the holds that they lead to are shared by all processes. */
export function circuitBreaker({
  holds,
  clock,
  telemetry,
}: CircuitBreakerDependencies): CircuitBreaker {
  const failuresInARow = new Map<RegistrationName, number>();

  const conclusionFrom = (
    { name }: ClientRegistration,
    result: TokenResult,
    known: IntegrationHold | undefined,
  ): HoldReason | "healthy" | undefined => {
    if (result.kind === "not_sent" || result.kind === "misconfigured") return undefined;
    if ("concerns" in result && result.concerns === "connection") return "healthy";
    if (result.kind === "client_rejected") return "client_rejected";
    if (result.kind === "rate_limited") {
      return result.retryAfterMs === undefined ? undefined : "rate_limited";
    }
    if (!providerFailed(result)) return "healthy";
    const failures = (failuresInARow.get(name) ?? 0) + 1;
    failuresInARow.set(name, failures);
    return known !== undefined || failures >= failuresToHold ? "provider_failing" : undefined;
  };

  return {
    async report(registration, result, known) {
      const { name, version } = registration;
      const conclusion = conclusionFrom(registration, result, known);
      if (conclusion === undefined) return undefined;
      failuresInARow.delete(name);
      if (conclusion === "healthy") {
        if (known !== undefined) {
          await holds.lift(name, known);
          telemetry.emit({ code: "integration.recovered", registrationName: name });
        }
        return undefined;
      }
      const retryAfterMs = "retryAfterMs" in result ? result.retryAfterMs : undefined;
      const hold = nextHold(conclusion, version, known, clock.nowMs(), retryAfterMs);
      await holds.place(name, hold, known);
      telemetry.emit({
        code: "integration.held",
        registrationName: name,
        reason: conclusion,
        untilMs: hold.untilMs,
      });
      return hold;
    },
  };
}

/** 5xx, no response, no connection: the provider's trouble, and not this connection's. */
const providerFailed = (result: TokenResult): boolean =>
  result.kind === "unavailable" ||
  result.kind === "timed_out" ||
  result.kind === "broken_off" ||
  (result.kind === "unusable" && result.serverFailed);
