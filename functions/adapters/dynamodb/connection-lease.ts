import type { ConnectionKey, TakeOver } from "../../domain/model/connection.ts";
import type { Acquisition, LeaseRequest } from "../../domain/ports/connection-store.ts";
import {
  leaseAttributes,
  leaseIs,
  leaseIsDead,
  leaseIsFree,
  leaseMayBeTakenOver,
  msAttribute,
  notForcedSince,
  notRefreshedSince,
  retryTimeHasCome,
  statusIsNot,
} from "./connection-conditions.ts";
import { update } from "./connection-update.ts";
import type { DynamoDbTable } from "./table-requests.ts";
import { anyOf, type Clause, clause } from "./update-expression.ts";

export async function acquireLease(
  table: DynamoDbTable,
  request: LeaseRequest,
): Promise<Acquisition> {
  const { leaseId, leaseExpiresAtMs, nowMs, forcedBeforeMs } = request;
  const updated = await update(table, request, {
    set: {
      lease_id: { S: leaseId },
      lease_expires_at_ms: msAttribute(leaseExpiresAtMs),
      ...(forcedBeforeMs !== undefined && { last_forced_at_ms: msAttribute(nowMs) }),
    },
    condition: mayAcquire(request),
    returnsNew: true,
  });
  if (updated.kind === "absent") return updated;
  const { connection } = updated;
  // A repetition by the SDK, after a response that was lost, is declined by the lease that it took.
  const isMine = updated.kind === "updated" || connection.lease?.leaseId === leaseId;
  return { kind: isMine ? "acquired" : "declined", connection };
}

const mayAcquire = ({
  nowMs,
  takesOverAtOnce = false,
  ignoresRetryAt = false,
  forcedBeforeMs,
  refreshedBeforeMs,
}: LeaseRequest): readonly Clause[] => [
  anyOf(leaseIsFree, takesOverAtOnce ? leaseIsDead(nowMs) : leaseMayBeTakenOver(nowMs)),
  statusIsNot("inactive", "expired"),
  ...(ignoresRetryAt ? [] : [retryTimeHasCome(nowMs)]),
  ...(forcedBeforeMs === undefined ? [] : [notForcedSince(forcedBeforeMs)]),
  ...(refreshedBeforeMs === undefined ? [] : [notRefreshedSince(refreshedBeforeMs)]),
];

export async function scheduleTakeOver(
  table: DynamoDbTable,
  key: ConnectionKey,
  { leaseId, atMs }: TakeOver,
): Promise<void> {
  await update(table, key, {
    set: { takeover_of: { S: leaseId }, takeover_at_ms: msAttribute(atMs) },
    condition: [
      leaseIs(leaseId),
      anyOf(clause("attribute_not_exists(takeover_of)"), clause("takeover_of <> :leaseId")),
    ],
    ignoresConflict: true,
  });
}

export async function releaseLease(
  table: DynamoDbTable,
  key: ConnectionKey,
  leaseId: string,
): Promise<void> {
  await update(table, key, {
    remove: leaseAttributes,
    condition: [leaseIs(leaseId)],
    ignoresConflict: true,
  });
}
