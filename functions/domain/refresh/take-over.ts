import { type Connection, keyOf } from "../model/connection.ts";
import { MisconfiguredRegistration, StoreUnavailable } from "../model/errors.ts";
import { type FailedRefresh, failed } from "../model/outcome.ts";
import { takeOverTurnMs } from "../model/take-over.ts";
import type { Using } from "./dependencies.ts";

/**
 * The outcome for a caller that finds a lease which ended with nothing stored under it: another refresh may
 * have left a token set in the rescue queue, and that is stored first. Whoever finds the lease first states
 * from when on it may be taken over.
 */
export async function awaitTakeOver(
  { store, clock }: Using<"store" | "clock">,
  connection: Connection,
): Promise<FailedRefresh> {
  const { lease, takeOver } = connection;
  const nowMs = clock.nowMs();
  if (lease === undefined) return failed("refresh_in_progress");
  const isScheduled = takeOver?.leaseId === lease.leaseId;
  const atMs = isScheduled ? takeOver.atMs : takeOverTurnMs(lease.leaseExpiresAtMs, nowMs);
  if (!isScheduled) {
    await store.scheduleTakeOver(keyOf(connection), { leaseId: lease.leaseId, atMs });
  }
  const retryAfterSeconds = Math.max(1, Math.ceil((atMs - nowMs) / 1000));
  return failed("refresh_in_progress", { retryAfterSeconds });
}

/** A refresh token that is never replaced can be presented again at once, whatever became of its last use. */
export async function keepsRefreshToken(
  { registry }: Using<"registry">,
  { registrationName }: Connection,
): Promise<boolean> {
  try {
    return (await registry.registration(registrationName)).rotation === "never";
  } catch (error) {
    if (error instanceof StoreUnavailable || error instanceof MisconfiguredRegistration) {
      return false;
    }
    throw error;
  }
}
