import type { SweepPosition, SweepPositions } from "../../domain/ports/schedule.ts";
import { type Item, numberAttribute } from "./attributes.ts";
import { leaseIs, leaseIsFree } from "./connection-conditions.ts";
import { changeItem, numberIn, readItem } from "./coordination.ts";
import type { DynamoDbTable } from "./table-requests.ts";
import { anyOf, type Clause, clause, type ItemUpdate } from "./update-expression.ts";

const itemOf = (refreshShard: number): string => `sweep#${refreshShard}`;
const catchUpItem = "catch-up";

/**
 * The progress of the sweep, one item for each shard: the position, and the lease of the sweep that is at work.
 *
 *     claim            lease_expires_at_ms     another sweep may claim
 *     ├──── pages, each with an advance ────┤┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶
 */
export const dynamoDbSweepPositions = (table: DynamoDbTable): SweepPositions => ({
  async claim(refreshShard, { leaseId, leaseExpiresAtMs }, nowMs) {
    const item = await changeItem(table, itemOf(refreshShard), {
      set: { lease_id: { S: leaseId }, lease_expires_at_ms: numberAttribute(leaseExpiresAtMs) },
      // The claim may be this one, made by a request whose response was lost.
      condition: [anyOf(leaseIsFree, leaseIs(leaseId), claimHasEnded(nowMs))],
    });
    return item && { position: positionIn(item) };
  },

  async advance(refreshShard, leaseId, position) {
    const item = await changeItem(table, itemOf(refreshShard), {
      ...positionChange(position),
      condition: [leaseIs(leaseId)],
    });
    return item !== undefined;
  },

  async release(refreshShard, leaseId, position) {
    const { set = {}, remove = [] } = position === undefined ? {} : positionChange(position);
    await changeItem(table, itemOf(refreshShard), {
      set,
      remove: [...remove, "lease_id", "lease_expires_at_ms"],
      condition: [leaseIs(leaseId)],
    });
  },

  async position(refreshShard) {
    const item = await readItem(table, itemOf(refreshShard));
    return item && positionIn(item);
  },

  async claimCatchUp(nowMs, intervalMs) {
    const item = await changeItem(table, catchUpItem, {
      set: { caught_up_at_ms: numberAttribute(nowMs) },
      condition: [
        anyOf(
          clause("attribute_not_exists(caught_up_at_ms)"),
          clause("caught_up_at_ms <= :beforeMs", {
            ":beforeMs": numberAttribute(nowMs - intervalMs),
          }),
        ),
      ],
    });
    return item !== undefined;
  },
});

const claimHasEnded = (nowMs: number): Clause =>
  clause("lease_expires_at_ms <= :nowMs", { ":nowMs": numberAttribute(nowMs) });

const positionChange = ({ refreshAtMs, connectionId }: SweepPosition): ItemUpdate => ({
  set: {
    swept_through: numberAttribute(Math.floor(refreshAtMs / 1000)),
    ...(connectionId !== undefined && { connection_id: { S: connectionId } }),
  },
  remove: connectionId === undefined ? ["connection_id"] : [],
});

function positionIn(item: Item): SweepPosition | undefined {
  const second = numberIn(item, "swept_through");
  if (second === undefined) return undefined;
  return { refreshAtMs: second * 1000, connectionId: item.connection_id?.S };
}
