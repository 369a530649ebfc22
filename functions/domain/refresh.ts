import { type Connection, keyOf, leaseIsLive, type TokenSet } from "./model/connection.ts";
import { StoreUnavailable } from "./model/errors.ts";
import {
  coalesced,
  type FailedRefresh,
  failed,
  type RefreshOutcome,
  refusalByStatus,
  storedFailure,
} from "./model/outcome.ts";
import { leaseIsUnresolved, turnHasCome } from "./model/take-over.ts";
import type { ClientRegistration } from "./ports/client-registration.ts";
import type { Invocation } from "./ports/clock.ts";
import type { LeaseRequest } from "./ports/connection-store.ts";
import type {
  HeldConnection,
  RefreshDependencies,
  RefreshRequest,
  Using,
} from "./refresh/dependencies.ts";
import { openCredentials } from "./refresh/open-credentials.ts";
import { withPermission } from "./refresh/permission.ts";
import { requestTokens } from "./refresh/request-tokens.ts";
import { joinRefresh, type RefreshesInProgress } from "./refresh/single-flight.ts";
import { storeFailure } from "./refresh/store-failure.ts";
import { storeRotatedToken } from "./refresh/store-rotated-token.ts";
import { storeTokens } from "./refresh/store-tokens.ts";
import { awaitTakeOver, keepsRefreshToken } from "./refresh/take-over.ts";
import { waitForHolder } from "./refresh/wait-for-holder.ts";
import { effectiveEndMs } from "./schedule/assumed-end.ts";

export type { RefreshRequest } from "./refresh/dependencies.ts";

/** Every expected failure is an outcome; a promise that rejects is a fault of this service. */
export type RefreshConnection = (request: RefreshRequest) => Promise<RefreshOutcome>;

/**
 * Refreshes connections. However many callers ask for a connection, in this process or in another, its
 * provider sees one token request at a time, and everyone who asked gets its outcome:
 *
 *     still valid → single flight → acquire the lease, or wait for its holder
 *       → permission → request tokens → store tokens, or store the failure
 */
export function refreshConnection(dependencies: RefreshDependencies): RefreshConnection {
  const inProgress: RefreshesInProgress = new Map();
  return async (request) => {
    try {
      const valid = await stillValid(dependencies, request);
      if (valid !== undefined) return valid;
      const outcome = await joinRefresh(inProgress, request, dependencies, () =>
        refreshOrWait(dependencies, request),
      );
      if (outcome.kind === "coalesced") {
        dependencies.telemetry.emit({ code: "refresh.coalesced", ...keyOf(request) });
      }
      return outcome;
    } catch (cause) {
      if (cause instanceof StoreUnavailable) return failed("store_unavailable", { cause });
      throw cause;
    }
  };
}

/** One read, where the caller said how long the token has to live. Undefined: it has to be refreshed. */
async function stillValid(
  { store, clock, telemetry }: Using<"store" | "clock" | "telemetry">,
  request: RefreshRequest,
): Promise<RefreshOutcome | undefined> {
  if (request.minTtlSeconds === undefined) return undefined;
  const connection = await store.read(keyOf(request));
  if (connection === undefined) return failed("connection_not_found");
  const { connectionId, expiresAtMs } = connection;
  const endMs = effectiveEndMs(connection);
  const neededUntilMs = clock.nowMs() + request.minTtlSeconds * 1000;
  const refusal = refusalByStatus(connection);
  if (refusal !== undefined) return refusal;
  if (endMs === undefined || endMs < neededUntilMs) return undefined;
  telemetry.emit({ code: "refresh.still_valid", ...keyOf(request) });
  return { kind: "still_valid", connectionId, expiresAtMs };
}

/** Acquires the lease, or waits for the holder that there is, for as long as the invocation allows. */
async function refreshOrWait(
  dependencies: RefreshDependencies,
  request: RefreshRequest,
): Promise<RefreshOutcome> {
  const { store, clock, budget, newLeaseId, coalesceWindowMs } = dependencies;
  const arrivedAtMs = clock.nowMs();
  let takesOverAtOnce = false;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    if (!hasTimeForAttempt(request.invocation, budget)) return failed("refresh_in_progress");
    const nowMs = clock.nowMs();
    const lease = { leaseId: newLeaseId(), leaseExpiresAtMs: nowMs + budget.leaseMs };
    const windows = windowsOf(request, nowMs, coalesceWindowMs);
    const acquisition = await store.acquireLease({
      ...{ ...keyOf(request), ...lease, nowMs, ...windows, takesOverAtOnce },
    });
    if (acquisition.kind === "absent") return failed("connection_not_found");
    const { connection } = acquisition;
    if (acquisition.kind === "acquired") {
      return refreshUnderLease(dependencies, request, { connection, lease });
    }
    const refusal = refusalByStatus(connection);
    if (refusal !== undefined) return refusal;
    if (leaseIsLive(connection, clock.nowMs())) {
      // A lease that is kept after its failure has no other outcome until the failure may be retried.
      const failure = leaseIsUnresolved(connection) ? undefined : recentFailure(connection, nowMs);
      if (failure !== undefined) return failure;
      const outcome = await waitForHolder(dependencies, request.invocation, connection);
      if (outcome !== undefined) return outcome;
    } else if (leaseIsUnresolved(connection) && !turnHasCome(connection, nowMs)) {
      if (takesOverAtOnce || !(await keepsRefreshToken(dependencies, connection))) {
        return awaitTakeOver(dependencies, connection);
      }
      takesOverAtOnce = true;
    } else {
      const outcome =
        recentFailure(connection, nowMs) ?? coalescedSince(connection, windows, arrivedAtMs);
      if (outcome !== undefined) return outcome;
      // The lease was released a moment ago, or the item states what no condition makes sense of.
      await clock.sleep(pauseMs);
    }
  }
}

const firstPauseMs = 50;
const longestPauseMs = 2_000;

/** Forced calls refresh a connection no more often than this. */
const forcedIntervalMs = 1_000;

type Windows = Pick<LeaseRequest, "refreshedBeforeMs" | "forcedBeforeMs">;

function windowsOf(
  { force, refreshedBeforeMs }: RefreshRequest,
  nowMs: number,
  coalesceWindowMs: number,
): Windows {
  if (force) return { refreshedBeforeMs, forcedBeforeMs: nowMs - forcedIntervalMs };
  return { refreshedBeforeMs: refreshedBeforeMs ?? nowMs - coalesceWindowMs };
}

/** Until the request is sent, a call that ends gives up its lease. After that, a write ends it, or time. */
async function refreshUnderLease(
  dependencies: RefreshDependencies,
  request: RefreshRequest,
  held: HeldConnection,
): Promise<RefreshOutcome> {
  const { circuitBreaker, telemetry } = dependencies;
  const { connection } = held;
  let isSent = false;
  try {
    if (connection.credentials === undefined) return failed("no_refresh_token");
    const opening = openCredentials(dependencies, connection, connection.credentials);
    opening.catch(() => {}); // It is awaited below, once the permission is there as well.
    const options = { given: request.permission, timeoutMs: permissionTimeoutMs };
    return await withPermission(dependencies, connection, options, async (permission) => {
      const decrypted = await opening;
      if (decrypted.kind === "failed") return decrypted;
      const { opened } = decrypted;
      if (!canRefresh(permission.registration, opened.tokens)) return failed("no_refresh_token");
      if (!request.force && isTooSoon(dependencies, permission.registration, connection)) {
        return coalesced(connection);
      }
      const { invocation, isScheduled = false } = request;
      const attempt = { ...held, invocation, isScheduled, opened };
      isSent = true;
      const sent = await requestTokens(dependencies, attempt, permission.registration);
      const { result, registration, recipient: binding = opened.binding } = sent;
      if (result.kind === "not_sent") {
        isSent = false;
        telemetry.emit({ code: "lease.lost", ...keyOf(connection) });
        return failed("refresh_in_progress");
      }
      if (result.kind !== "granted" && result.kind !== "rotated") {
        // The circuit breaker comes first: when the next attempt is due depends on its hold.
        const hold = await circuitBreaker.report({ connection, registration, permission }, result);
        return storeFailure(dependencies, attempt, registration, result, hold);
      }
      try {
        // Nothing stands between a token and its write.
        return result.kind === "granted"
          ? await storeTokens(dependencies, attempt, { registration, binding }, result)
          : await storeRotatedToken(dependencies, attempt, binding, result);
      } finally {
        await circuitBreaker.report({ connection, registration, permission }, result);
      }
    });
  } finally {
    if (!isSent) await releaseLease(dependencies, held);
  }
}

/** The wait for a place must leave the lease enough time for a request and its write. */
const permissionTimeoutMs = 2_000;

/** A request that cannot end within the invocation is not begun. */
const hasTimeForAttempt = (
  invocation: Invocation,
  { providerTimeoutMs, commitReserveMs }: RefreshDependencies["budget"],
): boolean => invocation.remainingMs() >= providerTimeoutMs + commitReserveMs;

/** A refresh within the window of the call, or since it arrived. A forced call too soon has the outcome of the last one. */
function coalescedSince(
  connection: Connection,
  { refreshedBeforeMs, forcedBeforeMs }: Windows,
  arrivedAtMs: number,
): RefreshOutcome | undefined {
  const { lastRefreshedAtMs = 0, lastForcedAtMs = 0 } = connection;
  const isRecent = lastRefreshedAtMs > Math.min(refreshedBeforeMs ?? arrivedAtMs, arrivedAtMs);
  const isForced = forcedBeforeMs !== undefined && lastForcedAtMs > forcedBeforeMs;
  if (isRecent || (isForced && lastRefreshedAtMs >= lastForcedAtMs)) return coalesced(connection);
  if (!isForced) return undefined;
  return connection.failure === undefined
    ? failed("refresh_in_progress")
    : { ...storedFailure(connection, arrivedAtMs), followUp: "postpone" };
}

/** The failure that says when to try again: until then it is the outcome of every call. */
function recentFailure(connection: Connection, nowMs: number): FailedRefresh | undefined {
  const { retryAtMs } = connection.failure ?? {};
  if (retryAtMs === undefined || retryAtMs <= nowMs) return undefined;
  return { ...storedFailure(connection, nowMs), followUp: "postpone" };
}

/** A bare refresh token is stored beside an empty access token. */
const canRefresh = (
  { renewsWithAccessToken }: ClientRegistration,
  { accessToken, refreshToken }: TokenSet,
): boolean => (renewsWithAccessToken ? accessToken.reveal() !== "" : refreshToken !== undefined);

/**
 * A provider that limits how often one refresh token may be used would refuse it, or block it for a while.
 * That is risked for a caller who has no token that lives.
 */
function isTooSoon(
  { clock }: Using<"clock">,
  { minimumRefreshIntervalSeconds = 0 }: ClientRegistration,
  connection: Connection,
): boolean {
  const nowMs = clock.nowMs();
  const { lastRefreshedAtMs } = connection;
  const { expiresAtMs = Number.POSITIVE_INFINITY } = connection;
  if (lastRefreshedAtMs === undefined || expiresAtMs <= nowMs) return false;
  return nowMs - lastRefreshedAtMs < minimumRefreshIntervalSeconds * 1000;
}

/** A release that fails costs the other callers the rest of the lease, and nothing else. */
async function releaseLease(
  { store, telemetry }: Using<"store" | "telemetry">,
  { connection, lease }: HeldConnection,
): Promise<void> {
  try {
    await store.releaseLease(keyOf(connection), lease.leaseId);
  } catch (cause) {
    telemetry.emit({ code: "lease.unreleased", ...keyOf(connection), cause });
  }
}
