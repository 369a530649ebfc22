import type { SweepPosition, SweepPositions } from "../../domain/ports/schedule.ts";
import {
  type CoordinationItem,
  type CoordinationTable,
  changeItem,
  type ItemChange,
  number,
  numberIn,
  readItem,
} from "./coordination.ts";

const itemOf = (refreshShard: number): string => `sweep#${refreshShard}`;
const catchUpItem = "catch-up";

/**
 * One item a shard: how far it has been swept, and who sweeps it.
 *
 *     claim            lease_expires_at_ms     another sweep may claim
 *     ├──── pages, each with an advance ────┤┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶
 */
export const dynamoDbSweepPositions = (table: CoordinationTable): SweepPositions => ({
  async claim(refreshShard, { leaseId, leaseExpiresAtMs }, nowMs) {
    const item = await changeItem(table, itemOf(refreshShard), {
      set: { lease_id: { S: leaseId }, lease_expires_at_ms: number(leaseExpiresAtMs) },
      // The second is this claim's own, made by a request whose answer was lost.
      condition:
        "attribute_not_exists(lease_id) OR lease_id = :leaseId OR lease_expires_at_ms <= :nowMs",
      values: { ":leaseId": { S: leaseId }, ":nowMs": number(nowMs) },
    });
    return item && { position: positionIn(item) };
  },

  async advance(refreshShard, leaseId, position) {
    const item = await changeItem(table, itemOf(refreshShard), {
      ...positionChange(position),
      ...whileClaimedBy(leaseId),
    });
    return item !== undefined;
  },

  async release(refreshShard, leaseId, position) {
    const { set = {}, remove = [] } = position === undefined ? {} : positionChange(position);
    await changeItem(table, itemOf(refreshShard), {
      set,
      remove: [...remove, "lease_id", "lease_expires_at_ms"],
      ...whileClaimedBy(leaseId),
    });
  },

  async position(refreshShard) {
    const item = await readItem(table, itemOf(refreshShard));
    return item && positionIn(item);
  },

  async claimCatchUp(nowMs, intervalMs) {
    const item = await changeItem(table, catchUpItem, {
      set: { caught_up_at_ms: number(nowMs) },
      condition: "attribute_not_exists(caught_up_at_ms) OR caught_up_at_ms <= :before",
      values: { ":before": number(nowMs - intervalMs) },
    });
    return item !== undefined;
  },
});

const whileClaimedBy = (leaseId: string) => ({
  condition: "lease_id = :leaseId",
  values: { ":leaseId": { S: leaseId } },
});

const positionChange = ({ refreshAtMs, connectionId }: SweepPosition): ItemChange => ({
  set: {
    swept_through: number(Math.floor(refreshAtMs / 1000)),
    ...(connectionId !== undefined && { connection_id: { S: connectionId } }),
  },
  remove: connectionId === undefined ? ["connection_id"] : [],
});

function positionIn(item: CoordinationItem): SweepPosition | undefined {
  const second = numberIn(item, "swept_through");
  if (second === undefined) return undefined;
  return { refreshAtMs: second * 1000, connectionId: item.connection_id?.S };
}
