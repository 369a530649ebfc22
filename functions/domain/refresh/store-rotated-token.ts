import { keyOf, nextVersion } from "../model/connection.ts";
import type { RefreshOutcome } from "../model/outcome.ts";
import type { TokenBinding } from "../model/token-binding.ts";
import type { TokenSetCommit } from "../ports/connection-store.ts";
import type { TokenResult } from "../ports/token-endpoint.ts";
import { dueAfterFailure, dueAt } from "../schedule/due.ts";
import type { Attempt, RefreshDependencies } from "./dependencies.ts";
import { commitDurably } from "./durable-commit.ts";
import { emitFailure, errorOf, failureOf } from "./failure.ts";

/**
 * Stores a refresh token that came without an access token, for the token before it may be dead, and in the
 * same write the failure that such a response is. The access token stays, and so does its end.
 */
export async function storeRotatedToken(
  dependencies: RefreshDependencies,
  attempt: Attempt,
  binding: TokenBinding | undefined,
  result: Extract<TokenResult, { kind: "rotated" }>,
): Promise<RefreshOutcome> {
  const { connection, lease, opened } = attempt;
  const { clock, random, telemetry } = dependencies;
  const nowMs = clock.nowMs();
  const error = errorOf(result, connection);
  const failure = failureOf(result, error.code, connection, lease, nowMs);
  const { connectionId, refreshAtMs } = connection;
  const schedule = dueAfterFailure(connection, failure, nowMs, random());
  const unchanged = refreshAtMs === undefined ? undefined : dueAt(connectionId, refreshAtMs);
  const version = nextVersion(connection.credentialsVersion, nowMs);
  const tokens = { ...opened.tokens, refreshToken: result.refreshToken };
  const commit: TokenSetCommit = {
    ...keyOf(connection),
    expectedVersion: connection.credentialsVersion,
    version,
    credentials: await opened.seal(tokens, { version, binding }),
    expiresAtMs: connection.expiresAtMs,
    assumedExpiresAtMs: connection.assumedExpiresAtMs,
    refreshTokenExpiresAtMs: undefined,
    refreshTokenAbsoluteExpiresAtMs: undefined,
    committedAtMs: nowMs,
    status: connection.status,
    due: typeof schedule === "object" ? schedule : unchanged,
    failure,
  };
  const committed = await commitDurably(dependencies, attempt, commit);
  if (committed.kind !== "done") return committed;
  emitFailure(telemetry, connection, error, failure);
  return { kind: "failed", error, followUp: "none" };
}
