import type { ConnectionKey } from "../model/connection.ts";
import type { HoldReason, HoldScope, IntegrationHold } from "../model/integration-hold.ts";

const firstHoldMs: Readonly<Record<HoldReason, number>> = {
  client_rejected: 60_000,
  rate_limited: 5_000,
  provider_failing: 30_000,
};
const longestHoldMs = 15 * 60_000;

/** The most connections that a hold, or a window's evidence, names. */
export const mostFailing = 8;

/** How long a hold lasts unless the provider itself says how long: twice as long as the one before it. */
export const holdPeriodMs = ({
  reason,
  count,
}: Pick<IntegrationHold, "reason" | "count">): number =>
  Math.min(firstHoldMs[reason] * 2 ** Math.min(count - 1, 20), longestHoldMs);

export interface HoldCause {
  readonly reason: HoldReason;
  readonly registrationVersion: string;
  /** From the provider's response. Undefined: it did not say. */
  readonly retryAfterMs: number | undefined;
  /** The connections that met the trouble. */
  readonly failing: readonly ConnectionKey[];
}

/**
 * The first hold of a scope, or the one after `previous`.
 * @param previous the hold whose probe has failed
 */
export function nextHold(
  scope: HoldScope,
  { reason, registrationVersion, retryAfterMs, failing }: HoldCause,
  previous: IntegrationHold | undefined,
  nowMs: number,
): IntegrationHold {
  const count = (previous?.count ?? 0) + 1;
  const durationMs =
    retryAfterMs === undefined ? holdPeriodMs({ reason, count }) : Math.max(retryAfterMs, 1_000);
  return {
    ...{ scope, reason, registrationVersion, count },
    beganAtMs: previous?.beganAtMs ?? nowMs,
    untilMs: nowMs + durationMs,
    failing: triedLast(previous?.failing ?? [], ...failing),
    triedAtMs: nowMs,
  };
}

/** The failing connections once some of them, or others, have just been tried. */
export const triedLast = (
  failing: readonly ConnectionKey[],
  ...tried: readonly ConnectionKey[]
): readonly ConnectionKey[] => {
  const isTried = new Set(tried.map(({ connectionId }) => connectionId));
  const others = failing.filter(({ connectionId }) => !isTried.has(connectionId));
  return [...others, ...tried].slice(-mostFailing);
};
