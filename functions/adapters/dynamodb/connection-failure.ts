import type { Connection, ConnectionStatus } from "../../domain/model/connection.ts";
import type {
  FailureRecord,
  Postponement,
  WriteResult,
} from "../../domain/ports/connection-store.ts";
import {
  numberAttribute,
  secondAttribute,
  stringAttribute,
  withoutUndefined,
} from "./attributes.ts";
import {
  leaseAttributes,
  leaseIs,
  leaseIsDead,
  leaseIsFree,
  scheduleAttributes,
  statusIsNot,
  versionIs,
} from "./connection-conditions.ts";
import { dueAttributes, failureItem } from "./connection-item.ts";
import { update } from "./connection-update.ts";
import type { DynamoDbTable } from "./table-requests.ts";
import { anyOf, clause, type ItemUpdate } from "./update-expression.ts";

export async function recordFailure(
  table: DynamoDbTable,
  record: FailureRecord,
): Promise<WriteResult> {
  const first = await update(table, record, failureUpdate(record, record.status));
  // A connection that its owner has switched off meanwhile stays inactive: only the failure is stored.
  const updated =
    first.kind === "declined" && first.connection.status === "inactive" && stands(first, record)
      ? await update(table, record, failureUpdate(record, undefined))
      : first;
  if (updated.kind === "absent") return updated;
  if (updated.kind === "updated" || wasRecorded(updated.connection, record)) {
    return { kind: "done" };
  }
  return { kind: "superseded", connection: updated.connection };
}

const stands = ({ connection }: { connection: Connection }, record: FailureRecord): boolean =>
  connection.credentialsVersion === record.expectedVersion &&
  connection.lease?.leaseId === record.leaseId;

/** A repetition of a record that has been written, after a response that was lost. */
const wasRecorded = (
  { failure, lease, credentialsVersion }: Connection,
  { leaseId, expectedVersion, keepLease }: FailureRecord,
): boolean =>
  failure?.leaseId === leaseId &&
  credentialsVersion === expectedVersion &&
  (keepLease || lease?.leaseId !== leaseId);

/** @param status undefined: the stored status stays */
function failureUpdate(record: FailureRecord, status: ConnectionStatus | undefined): ItemUpdate {
  const { failure, leaseId, expectedVersion, keepLease, schedule } = record;
  return {
    set: withoutUndefined({
      failure: failureItem(failure),
      status: stringAttribute(status),
      updated_at: secondAttribute(failure.lastAtMs),
      ...(typeof schedule === "object" && dueAttributes(schedule)),
    }),
    remove: [
      ...(keepLease ? ["takeover_of", "takeover_at_ms"] : leaseAttributes),
      ...(schedule === "removed" ? scheduleAttributes : []),
    ],
    condition: [
      leaseIs(leaseId),
      versionIs(expectedVersion),
      ...(status === undefined ? [] : [statusIsNot("inactive")]),
    ],
  };
}

export async function postpone(
  table: DynamoDbTable,
  { expectedVersion, refreshAtMs, nowMs, schedule, failure, ...key }: Postponement,
): Promise<WriteResult> {
  const updated = await update(table, key, {
    set: withoutUndefined({
      failure: failureItem(failure),
      updated_at: secondAttribute(nowMs),
      ...(schedule !== "removed" && dueAttributes(schedule)),
    }),
    remove: schedule === "removed" ? scheduleAttributes : [],
    condition: [
      versionIs(expectedVersion),
      clause("refresh_at = :refreshAt", {
        ":refreshAt": numberAttribute(Math.floor(refreshAtMs / 1000)),
      }),
      anyOf(leaseIsFree, leaseIsDead(nowMs)),
    ],
  });
  if (updated.kind === "updated") return { kind: "done" };
  if (updated.kind === "absent") return updated;
  const { connection } = updated;
  // A repetition of a postponement that has been written, after a response that was lost.
  return connection.failure?.leaseId === failure.leaseId
    ? { kind: "done" }
    : { kind: "superseded", connection };
}
