import type { Connection } from "../model/connection.ts";
import { unconfirmedAfterTakeOverMs } from "../model/take-over.ts";
import { effectiveEndMs } from "../schedule/assumed-end.ts";
import type { Attempt } from "./dependencies.ts";

/** A provider's word that a refresh token is dead, and what this service makes of it. */
export type Refusal =
  | { readonly kind: "believed" }
  /** The token is presented once more, from `retryAtMs` on; the connection stays alive until then. */
  | { readonly kind: "unconfirmed"; readonly retryAtMs: number; readonly reason: string };

/**
 * Decides whether a refusal ends the connection. It does not where another explanation is at hand, and where
 * waiting costs the user nothing:
 *
 * - After a take-over, the token set of the refresh before may still be rescued.
 * - The schedule is early, and while the access token lives nobody misses the next one.
 */
export function judgeRefusal(
  { connection, isScheduled }: Pick<Attempt, "connection" | "isScheduled">,
  nowMs: number,
): Refusal {
  const rescuedByMs = rescueEndsMs(connection);
  if (rescuedByMs > nowMs) {
    const reason = "it refused the refresh token, and another refresh may still be stored";
    return { kind: "unconfirmed", retryAtMs: rescuedByMs, reason };
  }
  const expiresAtMs = effectiveEndMs(connection) ?? 0;
  if (isScheduled && expiresAtMs > nowMs) {
    const reason =
      "it refused the refresh token, which is tried once more when the access token ends";
    return { kind: "unconfirmed", retryAtMs: expiresAtMs, reason };
  }
  return { kind: "believed" };
}

/** The acquired connection has a take-over exactly where its lease was taken over. */
const rescueEndsMs = ({ takeOver }: Connection): number =>
  takeOver === undefined ? 0 : takeOver.atMs + unconfirmedAfterTakeOverMs;
