import { type Connection, keyOf, leaseIsLive } from "./model/connection.ts";
import { RefreshError } from "./model/errors.ts";
import type { Clock } from "./ports/clock.ts";
import type { Acquisition, ConnectionStore, TokenSetCommit } from "./ports/connection-store.ts";
import type { Telemetry } from "./ports/telemetry.ts";
import { type TokenCipher, UnreadableCredentials } from "./ports/token-cipher.ts";

export interface RescueDependencies {
  readonly store: Pick<ConnectionStore, "acquireLease" | "commit" | "releaseLease">;
  readonly cipher: Pick<TokenCipher, "verify">;
  readonly telemetry: Telemetry;
  readonly clock: Pick<Clock, "nowMs">;
  readonly newLeaseId: () => string;
}

/**
 * `superseded`: another token set was committed since, and is the newer one. `absent`: the connection no
 * longer exists. `refused`: this service has not sealed the token set for that connection and version.
 */
export type RescueOutcome = "done" | "superseded" | "absent" | "refused";

/**
 * @throws {StoreUnavailable} the token set has to be kept for another attempt
 * @throws {RefreshError} `refresh_in_progress`: likewise
 */
export type RescueTokens = (commit: TokenSetCommit) => Promise<RescueOutcome>;

/** Long enough for one commit with its retries. */
const leaseMs = 10_000;

/**
 * Commits a token set whose commit failed before, under the same condition. A message that comes twice, or
 * a token set that was committed after all, is done.
 *
 * The token set is opened first: whoever can send a message, and has no right to any KMS key, could otherwise replace
 * a live token set with anything.
 *
 * It holds the lease meanwhile, and waits for a holder that there is already: that holder may get the newer
 * token set, from a provider that accepts the old token once more, and the first to be committed would stay.
 */
export const rescueTokens =
  ({ store, cipher, telemetry, clock, newLeaseId }: RescueDependencies): RescueTokens =>
  async (commit) => {
    const { expectedVersion, version, credentials } = commit;
    const cause = await forgery(cipher, commit);
    if (cause !== undefined) {
      telemetry.emit({ code: "rescue.refused", ...keyOf(commit), credentials, cause });
      return "refused";
    }
    const nowMs = clock.nowMs();
    const leaseId = newLeaseId();
    const lease = { leaseId, leaseExpiresAtMs: nowMs + leaseMs };
    const acquisition = await store.acquireLease({
      ...{ ...keyOf(commit), ...lease, nowMs, refreshedBeforeMs: undefined },
      ...{ takesOverAtOnce: true, ignoresRetryAt: true },
    });
    if (isHeldByOther(acquisition, nowMs)) throw new RefreshError("refresh_in_progress");
    const written = await store.commit(commit, { leaseId, nowMs: clock.nowMs() });
    if (written.kind === "held") throw new RefreshError("refresh_in_progress");
    if (written.kind === "absent") {
      telemetry.emit({ code: "rescue.absent", ...keyOf(commit) });
      return "absent";
    }
    // A commit that this call made has ended the lease. A commit that was there before has not.
    await store.releaseLease(keyOf(commit), leaseId);
    if (written.kind === "superseded" && !holds(written.connection, commit)) {
      telemetry.emit({ code: "rescue.superseded", ...keyOf(commit), expectedVersion, credentials });
      return "superseded";
    }
    telemetry.emit({ code: "rescue.committed", ...keyOf(commit), version });
    return "done";
  };

/** @returns why the token set is not one that this service has sealed. @throws {StoreUnavailable} */
async function forgery(
  cipher: RescueDependencies["cipher"],
  commit: TokenSetCommit,
): Promise<Error | undefined> {
  const { expectedVersion, version, credentials } = commit;
  if (version <= expectedVersion)
    return new RangeError("the version does not follow the expected one");
  try {
    await cipher.verify(credentials, { ...keyOf(commit), version });
    return undefined;
  } catch (error) {
    if (error instanceof UnreadableCredentials) return error;
    throw error;
  }
}

/** A connection that is declined for its status, as an expired one, is held by nobody. */
const isHeldByOther = (acquisition: Acquisition, nowMs: number): boolean =>
  acquisition.kind === "declined" && leaseIsLive(acquisition.connection, nowMs);

/** A ciphertext is never made twice: its initialisation vector is random. */
const holds = (connection: Connection, { credentials }: TokenSetCommit): boolean =>
  connection.credentials === credentials;
