import { keyOf } from "../model/connection.ts";
import { RefreshError } from "../model/errors.ts";
import type { TokenSetCommit } from "../ports/connection-store.ts";
import type { TokenResult } from "../ports/token-endpoint.ts";
import type { RefreshDependencies, RefreshOutcome } from "../refresh.ts";
import { dueAfterFailure, dueAt } from "../schedule/due.ts";
import type { Attempt } from "./attempt.ts";
import { errorFrom, failed, nextFailure } from "./store-failure.ts";
import { commitOrRescue, superseded } from "./store-tokens.ts";

export type Rotated = Extract<TokenResult, { kind: "rotated" }>;

/**
 * Stores a refresh token that came without an access token, for the one before it may be dead; in the
 * same write, the failure that this is. The access token stays, and so does its end.
 */
export async function storeRotatedToken(
  dependencies: RefreshDependencies,
  attempt: Attempt,
  answer: Rotated,
): Promise<RefreshOutcome> {
  const { connection, lease, opened } = attempt;
  const error = errorFrom(answer, connection);
  const failure = nextFailure(dependencies, connection, lease, error, answer);
  const nowMs = dependencies.clock.nowMs();
  const { connectionId, refreshAtMs } = connection;
  const schedule = dueAfterFailure(connection, failure, nowMs, dependencies.random());
  const unchanged = refreshAtMs === undefined ? undefined : dueAt(connectionId, refreshAtMs);
  const commit: TokenSetCommit = {
    ...keyOf(connection),
    expectedVersion: connection.credentialsVersion,
    credentials: await opened.seal({ ...opened.tokens, refreshToken: answer.refreshToken }),
    expiresAtMs: connection.expiresAtMs,
    refreshTokenExpiresAtMs: undefined,
    refreshTokenAbsoluteExpiresAtMs: undefined,
    committedAtMs: nowMs,
    status: connection.status,
    due: typeof schedule === "object" ? schedule : unchanged,
    failure,
  };
  const written = await commitOrRescue(dependencies, attempt, commit);
  if (written.kind === "absent") throw new RefreshError("connection_not_found");
  if (written.kind === "superseded") return superseded(dependencies, commit, written.connection);
  throw failed(dependencies, connection, error, failure);
}
