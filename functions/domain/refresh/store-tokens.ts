import { withTimeout } from "../async/timeout.ts";
import { type Connection, keyOf, statusAfterRefresh, type TokenSet } from "../model/connection.ts";
import { RefreshError, StoreUnavailable } from "../model/errors.ts";
import { earlier } from "../model/instant.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import type { Invocation } from "../ports/clock.ts";
import type { TokenSetCommit, WriteResult } from "../ports/connection-store.ts";
import type { GrantedTokens } from "../ports/token-endpoint.ts";
import type { RefreshDependencies, RefreshOutcome } from "../refresh.ts";
import { nextDue } from "../schedule/due.ts";
import type { Attempt } from "./attempt.ts";

export interface Granted {
  readonly tokens: GrantedTokens;
  readonly notes: readonly string[];
}

/**
 * The token set is kept for the rescue. The provider has rotated: who presents the stored token before
 * the rescue has been there, may make it revoke all.
 */
export class Uncommitted extends RefreshError {
  constructor(cause: unknown) {
    super("store_unavailable", { cause });
  }
}

/** Makes a granted token set durable: in the store, or else in the rescue queue, or else in the log. */
export async function storeTokens(
  dependencies: RefreshDependencies,
  attempt: Attempt,
  registration: ClientRegistration,
  { tokens: granted, notes }: Granted,
): Promise<RefreshOutcome> {
  const { connection, opened } = attempt;
  const tokens = successor(opened.tokens, granted);
  const commit: TokenSetCommit = {
    ...keyOf(connection),
    expectedVersion: connection.credentialsVersion,
    credentials: await opened.seal(tokens),
    expiresAtMs: tokens.expiresAtMs,
    refreshTokenExpiresAtMs: earlier(
      granted.refreshTokenExpiresAtMs,
      granted.refreshTokenAbsoluteExpiresAtMs ?? connection.refreshTokenAbsoluteExpiresAtMs,
    ),
    refreshTokenAbsoluteExpiresAtMs: granted.refreshTokenAbsoluteExpiresAtMs,
    committedAtMs: dependencies.clock.nowMs(),
    status: statusAfterRefresh(connection.status),
    due: nextDue(
      registration,
      {
        connectionId: connection.connectionId,
        expiresAtMs: tokens.expiresAtMs ?? expectedEndMs(connection, granted.receivedAtMs),
        refreshTokenExpiresAtMs: granted.refreshTokenExpiresAtMs,
      },
      dependencies.clock.nowMs(),
      dependencies.random(),
      dependencies.schedule,
    ),
  };
  const written = await commitOrRescue(dependencies, attempt, commit);
  if (written.kind === "absent") throw new RefreshError("connection_not_found");
  if (written.kind === "superseded") return superseded(dependencies, commit, written.connection);
  dependencies.telemetry.emit({
    code: "refresh.refreshed",
    ...keyOf(connection),
    integration: connection.integration,
    version: commit.expectedVersion + 1,
    expiresAtMs: commit.expiresAtMs,
    rotated: granted.refreshToken !== undefined,
    commitGapMs: dependencies.clock.nowMs() - granted.receivedAtMs,
    notes,
  });
  const { connectionId } = connection;
  return { kind: "refreshed", connectionId, expiresAtMs: commit.expiresAtMs };
}

/**
 * For the schedule, where the answer does not say: after as long as the token before it lived, of which it
 * was said. One answer that is cut off must not take the connection off the schedule.
 */
const expectedEndMs = (
  { expiresAtMs, lastRefreshedAtMs }: Connection,
  receivedAtMs: number,
): number | undefined =>
  expiresAtMs === undefined || lastRefreshedAtMs === undefined
    ? undefined
    : receivedAtMs + expiresAtMs - lastRefreshedAtMs;

/** RFC 6749 §6: what the answer omits, stays. */
function successor(previous: TokenSet, granted: GrantedTokens): TokenSet {
  return {
    accessToken: granted.accessToken,
    refreshToken: granted.refreshToken ?? previous.refreshToken,
    tokenType: granted.tokenType ?? previous.tokenType,
    scope: granted.scope ?? previous.scope,
    expiresAtMs: granted.expiresAtMs,
    extra: { ...previous.extra, ...granted.extra },
    dpopKey: granted.dpopKey ?? previous.dpopKey,
  };
}

/** A commit that takes longer than this is under way in a store that is in trouble. */
const promptMs = 300;

/**
 * Commits, or else rescues. A process can be killed while it tries again and again, so that what is not
 * committed promptly is put on the rescue queue meanwhile: one token set in two places is committed once.
 *
 *     granted        300 ms                              invocation ends
 *     ├── commit ──────┼── commit, again and again ────────┤
 *                      ├── rescue queue                    ├── rescue, unless it has been
 */
export async function commitOrRescue(
  dependencies: RefreshDependencies,
  attempt: Attempt,
  commit: TokenSetCommit,
): Promise<WriteResult> {
  const { clock, rescue: queue } = dependencies;
  const committing = commitWhileTimeLasts(dependencies, attempt, commit);
  let keeping: Promise<boolean> | undefined;
  try {
    const prompt = await withTimeout(clock, promptMs, committing);
    if (prompt !== undefined) return prompt.value;
    keeping = queue.keep(commit).then(
      () => true,
      () => false,
    );
    return await committing;
  } catch (cause) {
    await rescue(dependencies, commit, await keeping);
    throw new Uncommitted(cause);
  }
}

const firstRetryMs = 50;
const slowestRetryMs = 1_000;

/**
 * Commits for as long as the invocation lives. The condition is the version alone, so that it may be
 * tried again after an answer that did not come, and after the lease has run out.
 *
 * @throws what came of the last try
 */
async function commitWhileTimeLasts(
  dependencies: RefreshDependencies,
  { connection, invocation }: Attempt,
  commit: TokenSetCommit,
): Promise<WriteResult> {
  const { clock, budget, telemetry, random } = dependencies;
  for (let attempt = 1; ; attempt++) {
    try {
      return await commitInTime(dependencies, invocation, commit);
    } catch (cause) {
      telemetry.emit({ code: "commit.retried", ...keyOf(connection), attempt, cause });
      const delayMs = Math.min(firstRetryMs * 2 ** attempt, slowestRetryMs) * random();
      const hasTime = invocation.remainingMs() - delayMs > budget.answerReserveMs;
      if (!(cause instanceof StoreUnavailable) || !hasTime) throw cause;
      await clock.sleep(delayMs);
    }
  }
}

/** An answer that does not come must not cost the time in which the token set can still be rescued. */
async function commitInTime(
  { store, clock, budget }: RefreshDependencies,
  invocation: Invocation,
  commit: TokenSetCommit,
): Promise<WriteResult> {
  const patienceMs = invocation.remainingMs() - budget.answerReserveMs;
  const answered = await withTimeout(clock, patienceMs, store.commit(commit));
  if (answered === undefined) throw new StoreUnavailable("the store, for all of the invocation,");
  return answered.value;
}

async function rescue(
  { rescue, telemetry }: RefreshDependencies,
  commit: TokenSetCommit,
  isKept = false,
): Promise<void> {
  try {
    if (!isKept) await rescue.keep(commit);
    telemetry.emit({ code: "commit.rescued", ...keyOf(commit) });
  } catch {
    telemetry.emit({ code: "commit.last_resort", ...keyOf(commit), commit });
  }
}

/** What is stored is newer, and the answer; what came too late is kept as ciphertext, not thrown away. */
export function superseded(
  { telemetry }: RefreshDependencies,
  commit: TokenSetCommit,
  stored: Connection,
): RefreshOutcome {
  const { expectedVersion, credentials } = commit;
  telemetry.emit({ code: "commit.superseded", ...keyOf(commit), expectedVersion, credentials });
  return { kind: "coalesced", connectionId: stored.connectionId, expiresAtMs: stored.expiresAtMs };
}
