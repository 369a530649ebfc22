import type { CircuitBreaker } from "./integration/circuit-breaker.ts";
import type { Budget } from "./model/budget.ts";
import {
  type Connection,
  type ConnectionId,
  keyOf,
  leaseIsLive,
  type WorkspaceId,
} from "./model/connection.ts";
import { RefreshError, StoreUnavailable } from "./model/errors.ts";
import type { ClientRegistry } from "./ports/client-registration.ts";
import type { Clock, Invocation } from "./ports/clock.ts";
import type { ConnectionStore } from "./ports/connection-store.ts";
import type { IntegrationHolds, IntegrationLimits } from "./ports/integration.ts";
import type { RescueQueue } from "./ports/rescue-queue.ts";
import type { Telemetry } from "./ports/telemetry.ts";
import type { TokenCipher } from "./ports/token-cipher.ts";
import type { TokenEndpoint } from "./ports/token-endpoint.ts";
import { attemptRefresh } from "./refresh/attempt.ts";
import type { Permission } from "./refresh/permission.ts";
import { joinRefresh, type RefreshesInProgress } from "./refresh/single-flight.ts";
import { waitForHolder } from "./refresh/wait-for-holder.ts";
import type { ScheduleSettings } from "./schedule/due.ts";

export interface RefreshDependencies {
  readonly store: ConnectionStore;
  readonly registry: ClientRegistry;
  readonly grant: TokenEndpoint;
  readonly cipher: TokenCipher;
  readonly rescue: RescueQueue;
  readonly holds: IntegrationHolds;
  readonly circuitBreaker: CircuitBreaker;
  readonly limits: IntegrationLimits;
  readonly telemetry: Telemetry;
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
  readonly permission?: Permission | undefined;
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
  const flights: RefreshesInProgress<RefreshOutcome> = new Map();
  return async (request) => {
    try {
      const valid = await stillValid(dependencies, request);
      if (valid !== undefined) return valid;
      const outcome = await joinRefresh(flights, request, dependencies, () =>
        leaseAndRefresh(dependencies, request),
      );
      if (outcome.kind === "coalesced") {
        dependencies.telemetry.emit({ code: "refresh.coalesced", ...keyOf(request) });
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
  { store, clock, telemetry }: RefreshDependencies,
  request: RefreshRequest,
): Promise<RefreshOutcome | undefined> {
  if (request.minTtlSeconds === undefined) return undefined;
  const connection = await store.read(keyOf(request));
  if (connection === undefined) throw new RefreshError("connection_not_found");
  throwIfNotRefreshable(connection);
  const { expiresAtMs } = connection;
  if (expiresAtMs === undefined) return undefined;
  if (expiresAtMs < clock.nowMs() + request.minTtlSeconds * 1000) return undefined;
  telemetry.emit({ code: "refresh.still_valid", ...keyOf(request) });
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
      ? await waitForHolder(dependencies, request.invocation, connection)
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
