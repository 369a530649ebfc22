import {
  type ConnectionId,
  type ConnectionStatus,
  connectionStatuses,
  isConnectionId,
  isWorkspaceId,
  type SealedTokenSet,
  type WorkspaceId,
} from "../../domain/model/connection.ts";
import { isoInstant } from "../../domain/model/instant.ts";
import type { TokenSetCommit } from "../../domain/ports/connection-store.ts";
import { isJsonObject } from "../json/json-checks.ts";
import {
  faultsOf,
  instantWords,
  isInstant,
  type MemberChecks,
  parseJson,
} from "../json/record-members.ts";

/**
 * A token set that could not be committed, as JSON members. Instants are ISO 8601 in UTC; null or
 * absent: unknown. `credentials` is ciphertext.
 */
export interface RescueRecord {
  readonly connection_id: ConnectionId;
  readonly workspace_id: WorkspaceId;
  readonly expected_version: number;
  /** Absent in the records of former releases: the next one after the expected version. */
  readonly version?: number;
  readonly credentials: SealedTokenSet;
  readonly expires_at?: string | null;
  readonly assumed_expires_at?: string | null;
  readonly refresh_token_expires_at?: string | null;
  readonly refresh_token_absolute_expires_at?: string | null;
  readonly committed_at: string;
  readonly status: ConnectionStatus;
  readonly due?: { readonly refresh_at: string; readonly refresh_shard: number } | null;
}

export const rescueRecord = (commit: TokenSetCommit): RescueRecord => ({
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

/** Not the record of a token set. The message names every member at fault, and no value. */
export class InvalidRescueRecord extends Error {
  constructor(faults: readonly string[]) {
    super(`not a rescue record: ${faults.join("; ")}`);
    this.name = "InvalidRescueRecord";
  }
}

/**
 * Reads a record back from the log line that holds it; the line's other members do not matter.
 * @param input the line, or the object that it holds
 * @throws {InvalidRescueRecord}
 */
export function parseRescueRecord(input: unknown): TokenSetCommit {
  const record = typeof input === "string" ? parseJson(input) : input;
  if (!isJsonObject(record)) throw new InvalidRescueRecord(["expected one JSON object"]);
  if (!isRescueRecord(record)) throw new InvalidRescueRecord(faultsOf(checks, record));
  return {
    connectionId: record.connection_id,
    workspaceId: record.workspace_id,
    expectedVersion: record.expected_version,
    version: record.version ?? record.expected_version + 1,
    credentials: record.credentials,
    expiresAtMs: instantOrUndefined(record.expires_at),
    assumedExpiresAtMs: instantOrUndefined(record.assumed_expires_at),
    refreshTokenExpiresAtMs: instantOrUndefined(record.refresh_token_expires_at),
    refreshTokenAbsoluteExpiresAtMs: instantOrUndefined(record.refresh_token_absolute_expires_at),
    committedAtMs: Date.parse(record.committed_at),
    status: record.status,
    due: record.due
      ? {
          refreshAtMs: Date.parse(record.due.refresh_at),
          refreshShard: record.due.refresh_shard,
        }
      : undefined,
  };
}

const instantOrUndefined = (instant: string | null | undefined): number | undefined =>
  instant === null || instant === undefined ? undefined : Date.parse(instant);

type Members = Readonly<Record<string, unknown>>;

const isRescueRecord = (members: Members): members is Members & RescueRecord =>
  faultsOf(checks, members).length === 0;

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

const isUnknownOr =
  (holds: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || value === null || holds(value);

const checks: MemberChecks<keyof RescueRecord> = {
  connection_id: { expected: "an identifier", holds: isConnectionId },
  workspace_id: { expected: "an identifier", holds: isWorkspaceId },
  expected_version: { expected: "a whole number", holds: isCount },
  version: { expected: "a whole number", holds: (value) => value === undefined || isCount(value) },
  credentials: {
    expected: "a compact JWE",
    // Five parts, RFC 7516 §3.1; the encrypted key of `dir` is empty.
    holds: (value) =>
      typeof value === "string" && /^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/.test(value),
  },
  expires_at: { expected: `${instantWords}, or null`, holds: isUnknownOr(isInstant) },
  assumed_expires_at: { expected: `${instantWords}, or null`, holds: isUnknownOr(isInstant) },
  refresh_token_expires_at: { expected: `${instantWords}, or null`, holds: isUnknownOr(isInstant) },
  refresh_token_absolute_expires_at: {
    expected: `${instantWords}, or null`,
    holds: isUnknownOr(isInstant),
  },
  committed_at: { expected: instantWords, holds: isInstant },
  status: {
    expected: `one of ${connectionStatuses.join(", ")}`,
    holds: (value) => connectionStatuses.some((status) => status === value),
  },
  due: {
    expected: "{refresh_at, refresh_shard}, or null",
    holds: isUnknownOr(
      (value) => isJsonObject(value) && isInstant(value.refresh_at) && isCount(value.refresh_shard),
    ),
  },
};
