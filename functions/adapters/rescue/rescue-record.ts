import {
  connectionStatuses,
  type SealedTokenSet,
  sealedTokenSetPattern,
} from "../../domain/model/connection.ts";
import { isoInstant } from "../../domain/model/instant.ts";
import type { TokenSetCommit } from "../../domain/ports/connection-store.ts";
import { type Checked, type Fault, faultsText, validated } from "../../validation/check.ts";
import { connectionIdCheck, workspaceIdCheck } from "../../validation/identifiers.ts";
import { json, nullish, object, optional } from "../../validation/structures.ts";
import { instant, oneOf, satisfying, wholeNumber } from "../../validation/values.ts";

/**
 * A token set that could not be committed, as JSON. Instants are ISO 8601 in UTC. Null: unknown.
 * `credentials` is ciphertext.
 */
export const rescueRecord = (commit: TokenSetCommit) => ({
  connection_id: commit.connectionId,
  workspace_id: commit.workspaceId,
  expected_version: commit.expectedVersion,
  version: commit.version,
  credentials: commit.credentials,
  expires_at: isoOrNull(commit.expiresAtMs),
  ...(commit.assumedExpiresAtMs !== undefined && {
    assumed_expires_at: isoInstant(commit.assumedExpiresAtMs),
  }),
  refresh_token_expires_at: isoOrNull(commit.refreshTokenExpiresAtMs),
  refresh_token_absolute_expires_at: isoOrNull(commit.refreshTokenAbsoluteExpiresAtMs),
  committed_at: isoInstant(commit.committedAtMs),
  status: commit.status,
  due: commit.due
    ? { refresh_at: isoInstant(commit.due.refreshAtMs), refresh_shard: commit.due.refreshShard }
    : null,
});

const isoOrNull = (instantMs: number | undefined): string | null =>
  instantMs === undefined ? null : isoInstant(instantMs);

const isSealedTokenSet = (value: unknown): value is SealedTokenSet =>
  typeof value === "string" && sealedTokenSetPattern.test(value);

/** Other members are ignored: a later release may write some. */
const recordCheck = object({
  connection_id: connectionIdCheck,
  workspace_id: workspaceIdCheck,
  expected_version: wholeNumber,
  version: optional(wholeNumber),
  credentials: satisfying(isSealedTokenSet, "a compact or a packed JWE"),
  expires_at: nullish(instant),
  assumed_expires_at: nullish(instant),
  refresh_token_expires_at: nullish(instant),
  refresh_token_absolute_expires_at: nullish(instant),
  committed_at: instant,
  status: oneOf(connectionStatuses),
  due: nullish(object({ refresh_at: instant, refresh_shard: wholeNumber })),
});

/** The message names every member at fault, and shows no value. */
export class InvalidRescueRecord extends Error {
  constructor(faults: readonly Fault[]) {
    super(`not a rescue record: ${faultsText(faults)}`);
    this.name = "InvalidRescueRecord";
  }
}

/**
 * Reads a record back from the queue's message or the log line that holds it. The other members of the line are
 * ignored.
 * @param input JSON, or the object that it holds
 * @throws {InvalidRescueRecord}
 */
export function parseRescueRecord(input: unknown): TokenSetCommit {
  const check = typeof input === "string" ? json(recordCheck) : recordCheck;
  return commitOf(validated(check, input, (faults) => new InvalidRescueRecord(faults)));
}

const commitOf = (record: Checked<typeof recordCheck>): TokenSetCommit => ({
  connectionId: record.connection_id,
  workspaceId: record.workspace_id,
  expectedVersion: record.expected_version,
  // The records of former releases have no version of their own.
  version: record.version ?? record.expected_version + 1,
  credentials: record.credentials,
  expiresAtMs: record.expires_at,
  assumedExpiresAtMs: record.assumed_expires_at,
  refreshTokenExpiresAtMs: record.refresh_token_expires_at,
  refreshTokenAbsoluteExpiresAtMs: record.refresh_token_absolute_expires_at,
  committedAtMs: record.committed_at,
  status: record.status,
  due: record.due && {
    refreshAtMs: record.due.refresh_at,
    refreshShard: record.due.refresh_shard,
  },
});
