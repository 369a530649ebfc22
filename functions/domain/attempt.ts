import { type Admission, admit, leave } from "./admission.ts";
import { commitTokens } from "./commit.ts";
import type { Connection, Lease, TokenSet } from "./connection.ts";
import { MisconfiguredRegistration, RefreshError } from "./errors.ts";
import {
  type GrantAnswer,
  type Invocation,
  type OpenedTokenSet,
  UnreadableCredentials,
} from "./ports.ts";
import {
  keyOf,
  type RefreshDependencies,
  type RefreshOutcome,
  type RefreshRequest,
} from "./refresh.ts";
import { rereadRegistration } from "./registration.ts";
import type { ClientRegistration } from "./registration-ports.ts";
import { commitRotation } from "./rotation.ts";
import { misconfigured, release, settle } from "./settle.ts";

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
  { admission: admitted, force, invocation }: RefreshRequest,
  connection: Connection,
  lease: Lease,
): Promise<RefreshOutcome> {
  const prepared = await prepare(dependencies, connection, lease, admitted);
  try {
    const { opened, admission } = prepared;
    if (!force && isTooSoon(dependencies, admission.registration, connection)) {
      await release(dependencies, connection, lease);
      const { connectionId, expiresAtMs } = connection;
      return { kind: "coalesced", connectionId, expiresAtMs };
    }
    const attempt: Attempt = { connection, lease, invocation, opened };
    const { answer, registration } = await askProvider(dependencies, attempt, prepared);
    const report = () => dependencies.breaker.report(registration, answer, admission.hold);
    if (answer.kind !== "granted" && answer.kind !== "rotated") {
      return await settle(dependencies, attempt, answer, await report());
    }
    // Nothing stands between tokens and their commit.
    try {
      return answer.kind === "granted"
        ? await commitTokens(dependencies, attempt, registration, answer)
        : await commitRotation(dependencies, attempt, answer);
    } finally {
      await report();
    }
  } finally {
    if (admitted === undefined) await leave(dependencies, prepared.admission);
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
  readonly admission: Admission;
  readonly opened: OpenedTokenSet;
}

/** All that a grant and its commit need from the network, fetched before the provider is asked. */
async function prepare(
  dependencies: RefreshDependencies,
  connection: Connection,
  lease: Lease,
  admitted: Admission | undefined,
): Promise<Prepared> {
  let admission = admitted;
  try {
    const { credentials } = connection;
    if (credentials === undefined) throw new RefreshError("no_refresh_token");
    const opening = dependencies.cipher.open(credentials, keyOf(connection));
    opening.catch(() => {});
    admission ??= await admit(dependencies, connection, patienceUnderLeaseMs);
    const opened = await opening;
    if (!canRefresh(admission.registration, opened.tokens)) {
      throw new RefreshError("no_refresh_token");
    }
    return { admission, opened };
  } catch (error) {
    if (admitted === undefined && admission !== undefined) await leave(dependencies, admission);
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
  { journal }: RefreshDependencies,
  connection: Connection,
  error: unknown,
): unknown {
  if (error instanceof MisconfiguredRegistration) {
    return misconfigured(connection, error.message, error);
  }
  if (error instanceof UnreadableCredentials) {
    journal.record({ code: "credentials.unreadable", ...keyOf(connection), cause: error });
    return new RefreshError("internal_error", { cause: error });
  }
  return error;
}

interface Asked {
  readonly answer: GrantAnswer;
  readonly registration: ClientRegistration;
}

/** Asks until the answer is final: definite failures are tried again while the budget has room. */
async function askProvider(
  dependencies: RefreshDependencies,
  attempt: Attempt,
  { admission }: Prepared,
): Promise<Asked> {
  const { refreshToken, accessToken, dpopKey, scope } = attempt.opened.tokens;
  const { grant, clock, budget, journal } = dependencies;
  let { registration } = admission;
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
    journal.record({
      code: "grant.retried",
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
  answer: GrantAnswer,
  tries: number,
): number | undefined {
  if (answer.kind !== "rate_limited" && answer.kind !== "unavailable") return undefined;
  // A permit is for one request where requests are counted.
  if (tries >= maximumTries || maxPerMinute !== undefined) return undefined;
  const jitterMs = Math.ceil(random() * firstRetryMs * 2 ** tries);
  return (answer.retryAfterMs ?? 0) + jitterMs;
}
