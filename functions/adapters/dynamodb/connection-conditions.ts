import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { type ConnectionStatus, longestLeaseMs } from "../../domain/model/connection.ts";
import { isoInstant, isoSecond } from "../../domain/model/instant.ts";
import { latestTurnMs } from "../../domain/model/take-over.ts";
import { numberAttribute } from "./attributes.ts";
import { allOf, anyOf, type Clause, clause } from "./update-expression.ts";

/*
 *     acquire            lease_expires_at_ms                     takeover_at_ms
 *     ├──── holder refreshes ───┤┄┄┄┄┄┄┄┄┄ lease is dead ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄▶
 *     failure stored under it:  │ another caller may acquire
 *     nothing stored under it:  │ the rescue may acquire            │ another caller may acquire
 *     commit: while credentials_version is the one that was read, and nobody else holds a live lease
 */

/** Epoch milliseconds, as a number. */
export const msAttribute = (instantMs: number): AttributeValue =>
  numberAttribute(Math.floor(instantMs));

export const leaseAttributes = ["lease_id", "lease_expires_at_ms", "takeover_of", "takeover_at_ms"];
export const scheduleAttributes = ["refresh_shard", "refresh_at"];

export const leaseIsFree = clause("attribute_not_exists(lease_id)");

/** A lease that claims to last longer than any lease does is dead as well. */
export const leaseIsDead = (nowMs: number): Clause =>
  anyOf(
    clause("lease_expires_at_ms <= :nowMs", { ":nowMs": msAttribute(nowMs) }),
    clause("lease_expires_at_ms > :latestLeaseEndMs", {
      ":latestLeaseEndMs": msAttribute(nowMs + longestLeaseMs),
    }),
  );

export const leaseIs = (leaseId: string): Clause =>
  clause("lease_id = :leaseId", { ":leaseId": { S: leaseId } });

const leaseHasFailed = clause("failure.lease_id = lease_id");

/** A turn later than any turn can be counts as come. */
const turnHasCome = (nowMs: number): Clause =>
  allOf(
    clause("takeover_of = lease_id"),
    anyOf(
      clause("takeover_at_ms <= :nowMs", { ":nowMs": msAttribute(nowMs) }),
      clause("takeover_at_ms > :latestTurnMs", {
        ":latestTurnMs": msAttribute(latestTurnMs(nowMs)),
      }),
    ),
  );

export const leaseMayBeTakenOver = (nowMs: number): Clause =>
  allOf(leaseIsDead(nowMs), anyOf(leaseHasFailed, turnHasCome(nowMs)));

/** A deleted connection is read as absent, although TTL removes its item later. */
export const isNotDeleted = clause("attribute_not_exists(deleted_at)");

/** A connection whose credentials were never committed has no version, which counts as 0. */
export const versionIs = (expectedVersion: number): Clause => {
  const isStored = clause("credentials_version = :expectedVersion", {
    ":expectedVersion": numberAttribute(expectedVersion),
  });
  return expectedVersion === 0
    ? anyOf(clause("attribute_not_exists(credentials_version)"), isStored)
    : isStored;
};

export const statusIs = (status: ConnectionStatus): Clause =>
  clause("#status = :status", { ":status": { S: status } });

export const statusIsNot = (...statuses: readonly ConnectionStatus[]): Clause =>
  clause(
    `NOT #status IN (${statuses.map((status) => `:${status}`).join(", ")})`,
    Object.fromEntries(statuses.map((status) => [`:${status}`, { S: status }])),
  );

/** The last failure does not keep the provider from being asked again. */
export const retryTimeHasCome = (nowMs: number): Clause =>
  anyOf(
    clause("attribute_not_exists(failure.retry_at)"),
    clause("failure.retry_at <= :now", { ":now": { S: isoInstant(nowMs) } }),
  );

export const notForcedSince = (instantMs: number): Clause =>
  anyOf(
    clause("attribute_not_exists(last_forced_at_ms)"),
    clause("last_forced_at_ms <= :forcedBeforeMs", { ":forcedBeforeMs": msAttribute(instantMs) }),
  );

export const notRefreshedSince = (instantMs: number): Clause =>
  anyOf(
    clause("attribute_not_exists(last_refreshed_at)"),
    clause("last_refreshed_at <= :refreshedBefore", {
      ":refreshedBefore": { S: isoInstant(instantMs) },
    }),
    // An instant without milliseconds, of somebody's own migration, compares as later than its own second.
    clause("last_refreshed_at = :refreshedBeforeSecond", {
      ":refreshedBeforeSecond": { S: isoSecond(instantMs) },
    }),
  );
