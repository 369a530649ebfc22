import type { Connection, ConnectionId } from "./connection.ts";
import {
  isTransient,
  RefreshError,
  type RefreshErrorCode,
  type RefreshErrorContext,
} from "./errors.ts";
import type { IntegrationBlock } from "./integration-hold.ts";

/** The end of one refresh, for everyone who asked for it. */
export type RefreshOutcome = FreshToken | FailedRefresh;

export interface FreshToken {
  /**
   * `refreshed`: this call obtained the tokens. `coalesced`: another call's refresh is the outcome of this
   * one. `still_valid`: the token lives long enough, and nobody was asked.
   */
  readonly kind: "refreshed" | "coalesced" | "still_valid";
  readonly connectionId: ConnectionId;
  /** When the access token expires, epoch milliseconds. Undefined: unknown. */
  readonly expiresAtMs: number | undefined;
}

export interface FailedRefresh {
  readonly kind: "failed";
  readonly error: RefreshError;
  readonly followUp: FollowUp;
  /** The hold or the limit that kept the refresh from being sent. Undefined: none did. */
  readonly blockedBy?: IntegrationBlock | undefined;
}

/**
 * The work that a failure leaves to the schedule:
 *
 * - `none`: the failure is stored with the connection, and the next attempt with it; or the write was
 *   tried and not confirmed, and the lease, which it would have ended, keeps others away until it ends.
 * - `postpone`: nothing is stored, and the connection is still due.
 * - `rescue`: granted tokens wait in the rescue queue, or in the log; whoever presents the stored token
 *   before they are stored may make the provider revoke both.
 */
export type FollowUp = "none" | "postpone" | "rescue";

/** A failure of which nothing is stored. */
export const failed = (code: RefreshErrorCode, context?: RefreshErrorContext): FailedRefresh => ({
  kind: "failed",
  error: new RefreshError(code, context),
  followUp: "postpone",
});

/** Undefined: the connection's status permits a refresh. */
export const refusalByStatus = ({
  status,
}: Pick<Connection, "status">): FailedRefresh | undefined => {
  if (status === "inactive") return failed("connection_inactive");
  return status === "expired" ? failed("reauthorization_required") : undefined;
};

export const misconfigured = (
  integration: string,
  reason: string,
  cause?: unknown,
): FailedRefresh =>
  failed("misconfigured_integration", {
    integration,
    reason: `Integration ${integration}: ${reason}.`,
    cause,
  });

/** The stored failure of a connection, as the outcome of a call that did not ask the provider itself. */
export function storedFailure(
  { failure, integration }: Pick<Connection, "failure" | "integration">,
  nowMs: number,
): FailedRefresh {
  const code = failure?.code ?? "internal_error";
  const retryAtMs = failure?.retryAtMs;
  const retryAfterSeconds =
    isTransient(code) && retryAtMs !== undefined
      ? Math.max(1, Math.ceil((retryAtMs - nowMs) / 1000))
      : undefined;
  const error = new RefreshError(code, { integration, retryAfterSeconds });
  return { kind: "failed", error, followUp: "none" };
}

/** A refresh that somebody else has committed, as the outcome of this call. */
export const coalesced = ({
  connectionId,
  expiresAtMs,
}: Pick<Connection, "connectionId" | "expiresAtMs">): FreshToken => ({
  kind: "coalesced",
  connectionId,
  expiresAtMs,
});
