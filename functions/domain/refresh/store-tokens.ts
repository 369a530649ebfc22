import { keyOf, nextVersion, statusAfterRefresh, type TokenSet } from "../model/connection.ts";
import { earlier } from "../model/instant.ts";
import type { RefreshOutcome } from "../model/outcome.ts";
import type { TokenBinding } from "../model/token-binding.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import type { TokenSetCommit } from "../ports/connection-store.ts";
import type { GrantedTokens, TokenResult } from "../ports/token-endpoint.ts";
import { assumedEnd } from "../schedule/assumed-end.ts";
import { nextDue } from "../schedule/due.ts";
import type { Attempt, RefreshDependencies, Using } from "./dependencies.ts";
import { commitDurably } from "./durable-commit.ts";

/** The client that tokens were granted to, and the server that granted them. */
export interface Issuance {
  readonly registration: ClientRegistration;
  readonly binding: TokenBinding | undefined;
}

/** Stores granted tokens, and when the next refresh is due, in one write. */
export async function storeTokens(
  dependencies: RefreshDependencies,
  attempt: Attempt,
  issuance: Issuance,
  { tokens: granted, notes }: Extract<TokenResult, { kind: "granted" }>,
): Promise<RefreshOutcome> {
  const { connection } = attempt;
  const { clock, telemetry } = dependencies;
  const assumed = assumedEnd(granted, connection, granted.receivedAtMs);
  const commit = await tokenSetCommit(dependencies, attempt, issuance, granted, assumed?.atMs);
  const committed = await commitDurably(dependencies, attempt, commit);
  if (committed.kind !== "done") return committed;
  const { expiresAtMs } = commit;
  telemetry.emit({
    code: "refresh.refreshed",
    ...keyOf(connection),
    integration: connection.integration,
    version: commit.version,
    expiresAtMs,
    assumedFrom: assumed?.from,
    rotated: granted.refreshToken !== undefined,
    commitGapMs: clock.nowMs() - granted.receivedAtMs,
    notes,
  });
  return { kind: "refreshed", connectionId: connection.connectionId, expiresAtMs };
}

async function tokenSetCommit(
  { clock, random, schedule }: Using<"clock" | "random" | "schedule">,
  { connection, opened }: Attempt,
  { registration, binding }: Issuance,
  granted: GrantedTokens,
  assumedExpiresAtMs: number | undefined,
): Promise<TokenSetCommit> {
  const tokens = successor(opened.tokens, granted);
  const nowMs = clock.nowMs();
  const version = nextVersion(connection.credentialsVersion, nowMs);
  const scheduled = {
    connectionId: connection.connectionId,
    expiresAtMs: tokens.expiresAtMs ?? assumedExpiresAtMs,
    refreshTokenExpiresAtMs: granted.refreshTokenExpiresAtMs,
  };
  return {
    ...keyOf(connection),
    expectedVersion: connection.credentialsVersion,
    version,
    credentials: await opened.seal(tokens, { version, binding }),
    expiresAtMs: tokens.expiresAtMs,
    assumedExpiresAtMs,
    refreshTokenExpiresAtMs: earlier(
      granted.refreshTokenExpiresAtMs,
      granted.refreshTokenAbsoluteExpiresAtMs ?? connection.refreshTokenAbsoluteExpiresAtMs,
    ),
    refreshTokenAbsoluteExpiresAtMs: granted.refreshTokenAbsoluteExpiresAtMs,
    committedAtMs: nowMs,
    status: statusAfterRefresh(connection.status),
    due: nextDue(registration, scheduled, nowMs, random(), schedule),
  };
}

/** A refresh token and a scope that the response omits stay as they are: RFC 6749 §6. */
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
