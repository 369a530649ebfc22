import type { Admission } from "./admission.ts";
import { attemptRefresh } from "./attempt.ts";
import type { Breaker } from "./breaker.ts";
import type { Budget } from "./budget.ts";
import {
  type Connection,
  type ConnectionId,
  type ConnectionKey,
  leaseIsLive,
  type WorkspaceId,
} from "./connection.ts";
import { RefreshError, StoreUnavailable } from "./errors.ts";
import { followLease } from "./follow.ts";
import type { IntegrationHolds, IntegrationLimits } from "./integration-ports.ts";
import type {
  Clock,
  ConnectionStore,
  Invocation,
  Journal,
  RescueQueue,
  TokenCipher,
  TokenGrant,
} from "./ports.ts";
import type { ClientRegistry } from "./registration-ports.ts";
import type { ScheduleSettings } from "./schedule.ts";
import { type Flights, joinFlight } from "./single-flight.ts";

export interface RefreshDependencies {
  readonly store: ConnectionStore;
  readonly registry: ClientRegistry;
  readonly grant: TokenGrant;
  readonly cipher: TokenCipher;
  readonly rescue: RescueQueue;
  readonly holds: IntegrationHolds;
  readonly breaker: Breaker;
  readonly limits: IntegrationLimits;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Unique for every call of it, in every process. */
  readonly newLeaseId: () => string;
  readonly budget: Budget;
  /** A token set committed this recently answers every caller but a forced one. */
  readonly coalesceWindowMs: number;
  readonly schedule: ScheduleSettings;
}

export interface RefreshRequest {
  readonly connectionId: ConnectionId;
  readonly workspaceId: WorkspaceId;
  /** A token that lives at least this long is left as it is. */
  readonly minTtlSeconds?: number | undefined;
  /** Refresh even what was refreshed a moment ago. Never overrides a lease. */
  readonly force?: boolean | undefined;
  /** A token set committed up to this instant is not recent, whatever the coalesce window. */
  readonly refreshedBeforeMs?: number | undefined;
  /** Leave to ask the provider, of a caller that has asked for it before; given back by that caller. */
  readonly admission?: Admission | undefined;
  readonly invocation: Invocation;
}

export interface RefreshOutcome {
  /** `coalesced`: another call's refresh answers this one. */
  readonly kind: "refreshed" | "coalesced" | "still_valid";
  readonly connectionId: ConnectionId;
  /** Undefined when the provider did not say when the access token ends. */
  readonly expiresAtMs: number | undefined;
}

/** @throws {RefreshError} every expected failure */
export type RefreshConnection = (request: RefreshRequest) => Promise<RefreshOutcome>;

/**
 * Refreshes connections: one grant at a time for each, however many ask, in this process or another,
 * and everyone who asked gets its outcome.
 */
export function refreshConnection(dependencies: RefreshDependencies): RefreshConnection {
  const flights: Flights<RefreshOutcome> = new Map();
  return async (request) => {
    try {
      const valid = await stillValid(dependencies, request);
      if (valid !== undefined) return valid;
      const outcome = await joinFlight(flights, request, dependencies, () =>
        leaseAndRefresh(dependencies, request),
      );
      if (outcome.kind === "coalesced") {
        dependencies.journal.record({ code: "refresh.coalesced", ...keyOf(request) });
      }
      return outcome;
    } catch (error) {
      throw error instanceof StoreUnavailable
        ? new RefreshError("store_unavailable", { cause: error })
        : error;
    }
  };
}

/** One read, where the caller said how long the token has to live. */
async function stillValid(
  { store, clock, journal }: RefreshDependencies,
  request: RefreshRequest,
): Promise<RefreshOutcome | undefined> {
  if (request.minTtlSeconds === undefined) return undefined;
  const connection = await store.read(keyOf(request));
  if (connection === undefined) throw new RefreshError("connection_not_found");
  throwIfNotRefreshable(connection);
  const { expiresAtMs } = connection;
  if (expiresAtMs === undefined) return undefined;
  if (expiresAtMs < clock.nowMs() + request.minTtlSeconds * 1000) return undefined;
  journal.record({ code: "refresh.still_valid", ...keyOf(request) });
  return { kind: "still_valid", connectionId: request.connectionId, expiresAtMs };
}

/** Becomes the holder, or follows the one there is, for as long as the invocation allows. */
async function leaseAndRefresh(
  dependencies: RefreshDependencies,
  request: RefreshRequest,
): Promise<RefreshOutcome> {
  const { store, clock, budget } = dependencies;
  const arrivedAtMs = clock.nowMs();
  for (;;) {
    if (!hasTimeForAttempt(request.invocation, budget)) {
      throw new RefreshError("refresh_in_progress");
    }
    const nowMs = clock.nowMs();
    const lease = { leaseId: dependencies.newLeaseId(), leaseExpiresAtMs: nowMs + budget.leaseMs };
    const refreshedBeforeMs = request.force
      ? undefined
      : (request.refreshedBeforeMs ?? nowMs - dependencies.coalesceWindowMs);
    const acquisition = await store.acquireLease({
      ...keyOf(request),
      ...lease,
      nowMs,
      refreshedBeforeMs,
    });
    if (acquisition.kind === "absent") throw new RefreshError("connection_not_found");
    const { connection } = acquisition;
    if (acquisition.kind === "acquired") {
      return attemptRefresh(dependencies, request, connection, lease);
    }
    throwIfNotRefreshable(connection);
    const committedSinceMs = refreshedBeforeMs ?? arrivedAtMs;
    const outcome = leaseIsLive(connection, clock.nowMs())
      ? await followLease(dependencies, request.invocation, connection)
      : coalesceIfCommittedSince(connection, committedSinceMs);
    if (outcome !== undefined) return outcome;
  }
}

/** A grant that cannot end within the invocation is not begun. */
const hasTimeForAttempt = (invocation: Invocation, budget: Budget): boolean =>
  invocation.remainingMs() >= budget.providerTimeoutMs + budget.commitReserveMs;

const coalesceIfCommittedSince = (
  { connectionId, expiresAtMs, lastRefreshedAtMs }: Connection,
  sinceMs: number,
): RefreshOutcome | undefined =>
  lastRefreshedAtMs !== undefined && lastRefreshedAtMs > sinceMs
    ? { kind: "coalesced", connectionId, expiresAtMs }
    : undefined;

function throwIfNotRefreshable({ status }: Connection): void {
  if (status === "inactive") throw new RefreshError("connection_inactive");
  if (status === "expired") throw new RefreshError("reauthorization_required");
}

export const keyOf = ({ connectionId, workspaceId }: ConnectionKey): ConnectionKey => ({
  connectionId,
  workspaceId,
});
