import type { Connection, Lease, TokenSet } from "../model/connection.ts";
import { keyOf } from "../model/connection.ts";
import { MisconfiguredRegistration, RefreshError } from "../model/errors.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import type { Invocation } from "../ports/clock.ts";
import { type OpenedTokenSet, UnreadableCredentials } from "../ports/token-cipher.ts";
import type { TokenResult } from "../ports/token-endpoint.ts";
import type { RefreshDependencies, RefreshOutcome, RefreshRequest } from "../refresh.ts";
import { type Permission, requestPermission, returnPermission } from "./permission.ts";
import { rereadRegistration } from "./reread-registration.ts";
import { misconfigured, release, storeFailure } from "./store-failure.ts";
import { storeRotatedToken } from "./store-rotated-token.ts";
import { storeTokens } from "./store-tokens.ts";

/** Everything that one holder of one lease knows. */
export interface Attempt {
  readonly connection: Connection;
  readonly lease: Lease;
  readonly invocation: Invocation;
  readonly opened: OpenedTokenSet;
}

/**
 * The refresh itself, by the holder of the lease: prepare, ask the provider, commit or record. Leave to
 * ask that the request brings along is given back by whoever has asked for it.
 */
export async function attemptRefresh(
  dependencies: RefreshDependencies,
  { permission: admitted, force, invocation }: RefreshRequest,
  connection: Connection,
  lease: Lease,
): Promise<RefreshOutcome> {
  const prepared = await prepare(dependencies, connection, lease, admitted);
  try {
    const { opened, permission } = prepared;
    if (!force && isTooSoon(dependencies, permission.registration, connection)) {
      await release(dependencies, connection, lease);
      const { connectionId, expiresAtMs } = connection;
      return { kind: "coalesced", connectionId, expiresAtMs };
    }
    const attempt: Attempt = { connection, lease, invocation, opened };
    const { answer, registration } = await askProvider(dependencies, attempt, prepared);
    const report = () => dependencies.circuitBreaker.report(registration, answer, permission.hold);
    if (answer.kind !== "granted" && answer.kind !== "rotated") {
      return await storeFailure(dependencies, attempt, answer, await report());
    }
    // Nothing stands between tokens and their commit.
    try {
      return answer.kind === "granted"
        ? await storeTokens(dependencies, attempt, registration, answer)
        : await storeRotatedToken(dependencies, attempt, answer);
    } finally {
      await report();
    }
  } finally {
    if (admitted === undefined) await returnPermission(dependencies, prepared.permission);
  }
}

/**
 * A provider that limits how often one refresh token may be used would refuse, or block it for a while.
 * That is risked for a caller who has no token that lives.
 */
function isTooSoon(
  { clock }: RefreshDependencies,
  { minimumRefreshIntervalSeconds = 0 }: ClientRegistration,
  { lastRefreshedAtMs, expiresAtMs = Number.POSITIVE_INFINITY }: Connection,
): boolean {
  const nowMs = clock.nowMs();
  if (lastRefreshedAtMs === undefined || expiresAtMs <= nowMs) return false;
  return nowMs - lastRefreshedAtMs < minimumRefreshIntervalSeconds * 1000;
}

/** The lease that is held meanwhile has to last for a grant and its commit. */
const patienceUnderLeaseMs = 2_000;

interface Prepared {
  readonly permission: Permission;
  readonly opened: OpenedTokenSet;
}

/** All that a grant and its commit need from the network, fetched before the provider is asked. */
async function prepare(
  dependencies: RefreshDependencies,
  connection: Connection,
  lease: Lease,
  admitted: Permission | undefined,
): Promise<Prepared> {
  let permission = admitted;
  try {
    const { credentials } = connection;
    if (credentials === undefined) throw new RefreshError("no_refresh_token");
    const opening = dependencies.cipher.open(credentials, keyOf(connection));
    opening.catch(() => {});
    permission ??= await requestPermission(dependencies, connection, patienceUnderLeaseMs);
    const opened = await opening;
    if (!canRefresh(permission.registration, opened.tokens)) {
      throw new RefreshError("no_refresh_token");
    }
    return { permission, opened };
  } catch (error) {
    if (admitted === undefined && permission !== undefined)
      await returnPermission(dependencies, permission);
    await release(dependencies, connection, lease);
    throw asRefreshError(dependencies, connection, error);
  }
}

/** By the refresh token, or by the access token where the provider renews that; a bare refresh token is stored beside an empty one. */
const canRefresh = (
  { renewsWithAccessToken }: ClientRegistration,
  { accessToken, refreshToken }: TokenSet,
): boolean => (renewsWithAccessToken ? accessToken.reveal() !== "" : refreshToken !== undefined);

function asRefreshError(
  { telemetry }: RefreshDependencies,
  connection: Connection,
  error: unknown,
): unknown {
  if (error instanceof MisconfiguredRegistration) {
    return misconfigured(connection, error.message, error);
  }
  if (error instanceof UnreadableCredentials) {
    telemetry.emit({ code: "credentials.unreadable", ...keyOf(connection), cause: error });
    return new RefreshError("internal_error", { cause: error });
  }
  return error;
}

interface Asked {
  readonly answer: TokenResult;
  readonly registration: ClientRegistration;
}

/** Asks until the answer is final: definite failures are tried again while the budget has room. */
async function askProvider(
  dependencies: RefreshDependencies,
  attempt: Attempt,
  { permission }: Prepared,
): Promise<Asked> {
  const { refreshToken, accessToken, dpopKey, scope } = attempt.opened.tokens;
  const { grant, clock, budget, telemetry } = dependencies;
  let { registration } = permission;
  for (let tries = 1; ; tries++) {
    const answer = await grant.refresh({
      registration,
      config: attempt.connection.config,
      refreshToken,
      accessToken,
      dpopKey,
      scope,
      timeoutMs: budget.providerTimeoutMs,
      maySend: () => roomForGrantMs(dependencies, attempt) >= 0,
    });
    if (answer.kind === "client_rejected") {
      const reread = await rereadRegistration(dependencies, attempt.connection, registration);
      if (reread === undefined || roomForGrantMs(dependencies, attempt) < 0) {
        return { answer, registration };
      }
      registration = reread;
      continue;
    }
    const delayMs = delayBeforeRetry(dependencies, registration, answer, tries);
    if (delayMs === undefined || delayMs > roomForGrantMs(dependencies, attempt)) {
      return { answer, registration };
    }
    telemetry.emit({
      code: "token_request.retried",
      ...keyOf(attempt.connection),
      reason: answer.kind,
      delayMs,
    });
    await clock.sleep(delayMs);
  }
}

/**
 * How long a grant could still be put off and yet end, with its commit, within the lease and the
 * invocation; negative: too late. A shorter deadline would not do: a grant that is cut off may have
 * rotated the token.
 */
function roomForGrantMs(
  { clock, budget }: RefreshDependencies,
  { lease, invocation }: Attempt,
): number {
  const leftMs = Math.min(lease.leaseExpiresAtMs - clock.nowMs(), invocation.remainingMs());
  return leftMs - budget.providerTimeoutMs - budget.commitReserveMs;
}

const maximumTries = 3;
const firstRetryMs = 200;

/** Full jitter, but never sooner than the provider asked. Undefined: not to be tried again. */
function delayBeforeRetry(
  { random }: RefreshDependencies,
  { maxPerMinute }: ClientRegistration,
  answer: TokenResult,
  tries: number,
): number | undefined {
  if (answer.kind !== "rate_limited" && answer.kind !== "unavailable") return undefined;
  // A permit is for one request where requests are counted.
  if (tries >= maximumTries || maxPerMinute !== undefined) return undefined;
  const jitterMs = Math.ceil(random() * firstRetryMs * 2 ** tries);
  return (answer.retryAfterMs ?? 0) + jitterMs;
}
