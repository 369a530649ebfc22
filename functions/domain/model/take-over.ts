import { type Connection, longestLeaseMs } from "./connection.ts";

/*
 * A lease that ended with nothing stored under it may have a token set on its way: in the rescue queue, while
 * the store was out of reach. Whoever takes over at once presents the refresh token that this token set has
 * replaced, and a strict provider revokes both. So a take-over has a turn, and the rescue comes first:
 *
 *     lease ends      function ends, or now    + redelivery            + rescue
 *     ├────────────────────┼─────────────────────────┼────────────────────┼── turn: a caller may take over
 *     rescue delivered ────┴── again within the redelivery ───────────────┘
 *
 * One function states the redelivery for both sides. It grows with the age of the lease, never faster than
 * the age itself, so a rescue that was returned before now comes back before the turn.
 */

const fastestRedeliveryMs = 10_000;
const slowestRedeliveryMs = 5 * 60_000;
const redeliveriesPerAge = 8;

/** The time that the rescue queue's function has for one token set. */
export const rescueTimeoutMs = 5_000;

/**
 * The time after which the rescue queue delivers a message again that failed.
 * @param ageMs the time since the end of the lease under which the token set was granted
 */
export const redeliveryMs = (ageMs: number): number =>
  Math.min(Math.max(ageMs / redeliveriesPerAge, fastestRedeliveryMs), slowestRedeliveryMs);

/**
 * The same for a token set in the queue. Its lease ended at the latest a lease's length after the token set was
 * granted, so the age is never taken for more than it is, and the message comes back before the turn.
 */
export const rescueRedeliveryMs = (committedAtMs: number, nowMs: number): number =>
  redeliveryMs(nowMs - committedAtMs - longestLeaseMs);

/** When the rescue queue delivers a message first: a holder that still commits needs no rescue. */
export const firstRescueDelayMs = 5_000;

/** How long a function may go on after its lease has ended, trying to store a token set. */
const functionMarginMs = 5_000;

const longestTurnMs = functionMarginMs + slowestRedeliveryMs + rescueTimeoutMs;

/** When a caller may take over a lease that ended with nothing stored under it, as of now. */
export function takeOverTurnMs(leaseExpiresAtMs: number, nowMs: number): number {
  // A lease that claims to end in the future, and is dead all the same, ended now as far as anybody knows.
  const endedAtMs = Math.min(leaseExpiresAtMs, nowMs);
  const fromMs = Math.max(endedAtMs + functionMarginMs, nowMs);
  return fromMs + redeliveryMs(fromMs - endedAtMs) + rescueTimeoutMs;
}

/** No turn is later than this, as of now: a later time was not written by this service, and has come. */
export const latestTurnMs = (nowMs: number): number => nowMs + longestTurnMs;

/** The lease's outcome is unknown: neither tokens nor a failure are stored under it. */
export const leaseIsUnresolved = ({ lease, failure }: Connection): boolean =>
  lease !== undefined && failure?.leaseId !== lease.leaseId;

export function turnHasCome({ lease, takeOver }: Connection, nowMs: number): boolean {
  if (lease === undefined || takeOver?.leaseId !== lease.leaseId) return false;
  return takeOver.atMs <= nowMs || takeOver.atMs > latestTurnMs(nowMs);
}

/** A provider's refusal of a token that was presented in a take-over is not believed for this long. */
export const unconfirmedAfterTakeOverMs = 15 * 60_000;
