import type { Budget } from "../model/budget.ts";
import type { Connection, Failure } from "../model/connection.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import { effectiveEndMs } from "../schedule/assumed-end.ts";
import { defaultRetryAfterMs, type FailedTokenResult } from "./failure.ts";

type Rotation = Pick<ClientRegistration, "rotation" | "rotationGraceSeconds">;

/** The request was sent and its end is unknown: the provider may have rotated, or may be about to. */
const isAmbiguous = (result: FailedTokenResult): boolean =>
  result.kind === "timed_out" ||
  result.kind === "broken_off" ||
  (result.kind === "unusable" && result.mayHaveRotated === true);

/**
 * After an ambiguous end the provider may still be at work, and the rest of the lease keeps others away; but
 * not where that would outlast the time in which the provider accepts the old token once more.
 */
export const keepsLease = (
  result: FailedTokenResult,
  { rotationGraceSeconds }: Rotation,
  { leaseMs }: Pick<Budget, "leaseMs">,
): boolean =>
  isAmbiguous(result) &&
  (rotationGraceSeconds === undefined ||
    rotationGraceSeconds === 0 ||
    rotationGraceSeconds * 1000 > leaseMs);

const firstDelayMs = 5_000;
const longestDelayMs = 5 * 60_000;

/**
 * When the connection may be tried again after a failure: until then, callers get the stored failure. Undefined:
 * at once. A provider's own pause counts. After an ambiguous end the stored token may be spent, and when to
 * present it again is a decision:
 *
 * - A provider with a grace period accepts it once more: within that period.
 * - A strict provider revokes the family: as late as the access token allows, for a token set that was granted
 *   meanwhile, or an operator, may come first.
 * - Otherwise after a delay that doubles with each failure, so that no caller waits for a timeout each time.
 *
 * A definite failure has no pause until it has repeated itself.
 */
export function retryAtMs(
  result: FailedTokenResult,
  { count, lastAtMs }: Failure,
  connection: Connection,
  { rotation, rotationGraceSeconds = 0 }: Rotation,
): number | undefined {
  if (result.kind === "rate_limited")
    return lastAtMs + (result.retryAfterMs ?? defaultRetryAfterMs);
  if (result.kind === "unavailable" && result.retryAfterMs !== undefined) {
    return lastAtMs + result.retryAfterMs;
  }
  if (!isAmbiguous(result)) return pauseAfterRepetition(result, count, lastAtMs);
  const delayMs = Math.min(firstDelayMs * 2 ** Math.min(count - 1, 10), longestDelayMs);
  const retryMs = lastAtMs + delayMs;
  if (rotationGraceSeconds > 0) {
    return Math.min(retryMs, lastAtMs + (rotationGraceSeconds * 1000) / 2);
  }
  return rotation === "always" ? Math.max(retryMs, effectiveEndMs(connection) ?? 0) : retryMs;
}

/** Failures in a row after which the next one is no longer bad luck. */
const failuresWithoutPause = 2;
/** A registration that an operator has mended is used within this time. */
const longestRejectedMs = 60_000;

/** The trouble of one connection holds no other one, and its own callers must not ask for it in vain all the time. */
function pauseAfterRepetition(
  { kind }: FailedTokenResult,
  count: number,
  lastAtMs: number,
): number | undefined {
  if (kind === "refused" || kind === "misconfigured" || count <= failuresWithoutPause) {
    return undefined;
  }
  const doublings = Math.min(count - failuresWithoutPause - 1, 10);
  const longestMs = kind === "client_rejected" ? longestRejectedMs : longestDelayMs;
  return lastAtMs + Math.min(firstDelayMs * 2 ** doublings, longestMs);
}
