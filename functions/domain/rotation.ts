import type { Attempt } from "./attempt.ts";
import { commitOrRescue, superseded } from "./commit.ts";
import { RefreshError } from "./errors.ts";
import type { GrantAnswer, TokenSetCommit } from "./ports.ts";
import { keyOf, type RefreshDependencies, type RefreshOutcome } from "./refresh.ts";
import { dueAfterFailure, dueAt } from "./schedule.ts";
import { errorFrom, failed, nextFailure } from "./settle.ts";

export type Rotated = Extract<GrantAnswer, { kind: "rotated" }>;

/**
 * Stores a refresh token that came without an access token, for the one before it may be dead; in the
 * same write, the failure that this is. The access token stays, and so does its end.
 */
export async function commitRotation(
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
  const fenced = await commitOrRescue(dependencies, attempt, commit);
  if (fenced.kind === "absent") throw new RefreshError("connection_not_found");
  if (fenced.kind === "superseded") return superseded(dependencies, commit, fenced.connection);
  throw failed(dependencies, connection, error, failure);
}
