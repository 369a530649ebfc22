import type { Connection, ConnectionId, Failure } from "../model/connection.ts";
import type { IntegrationHold } from "../model/integration-hold.ts";
import { stableHash } from "../model/stable-hash.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import type { Due, Rescheduling } from "../ports/connection-store.ts";
import { effectiveEndMs } from "./assumed-end.ts";

/** Hash keys of the index `due`. A connection keeps its shard for life. */
export const refreshShards = 64;

const secondMs = 1_000;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

const minimumMarginMs = minuteMs;
const maximumMarginMs = 15 * minuteMs;
/** Sweep, queue and provider take this long at the most, beyond the wait for the next sweep. */
const deliveryMs = 30 * secondMs;
/**
 * Nothing is scheduled sooner than this: an entry of the index has to be there before the sweep has
 * passed its time, and the index follows the table within moments.
 */
const soonestMs = 5 * secondMs;
/** An idle refresh token is renewed when this fraction of its time has passed. */
const keepaliveFraction = 0.5;
/** The schedule cannot help a refresh token that ends sooner than this. */
const shortestKeepaliveMs = 2 * minuteMs;

/** Settings of the deployment. */
export interface ScheduleSettings {
  /** How long a due connection may wait for a sweep. */
  readonly sweepIntervalMs: number;
  /** How long a token may have been expired, with nothing but transient failures, before an operator has to look. */
  readonly giveUpAfterMs: number;
}

export const defaultSweepIntervalSeconds = 60;
export const defaultGiveUpAfterSeconds = 7 * 24 * 60 * 60;

/** A connection's tokens at an instant, for {@link nextDue}. */
export interface ScheduledTokens {
  readonly connectionId: ConnectionId;
  /** When the access token expires. Undefined: unknown. */
  readonly expiresAtMs: number | undefined;
  /** When the refresh token ends, where the provider says so. Undefined: unknown. */
  readonly refreshTokenExpiresAtMs: number | undefined;
}

/**
 * When the next refresh is due, or undefined when the schedule is not to touch the connection.
 *
 * `proactive`: before the access token expires, by a margin of `clamp(lifetime/5, 60 s, 15 min)` and up to
 * as much again in jitter, so that connections imported together do not come due together. The margin is
 * never shorter than a sweep and a delivery may take.
 *
 *     now                                    − margin − jitter   − margin        expires_at
 *     ├───────────────────────────────────────────┼── due here ─────┤┄┄┄┄┄┄┄┄┄┄┄┄┄┄┤
 *
 * With any policy, a refresh token that can idle out is renewed when half of its time has passed.
 *
 * @param fraction a random number in [0, 1)
 */
export function nextDue(
  registration: ClientRegistration,
  tokens: ScheduledTokens,
  nowMs: number,
  fraction: number,
  { sweepIntervalMs }: Pick<ScheduleSettings, "sweepIntervalMs">,
): Due | undefined {
  const candidatesMs = [
    beforeAccessTokenEnds(registration, tokens, nowMs, fraction, sweepIntervalMs),
    beforeRefreshTokenIdles(registration, tokens, nowMs, fraction),
  ].filter((candidateMs) => candidateMs !== undefined);
  if (candidatesMs.length === 0) return undefined;
  const { minimumRefreshIntervalSeconds = 0 } = registration;
  // The index cuts to whole seconds, and the provider does not.
  const allowedMs = nextSecond(nowMs + minimumRefreshIntervalSeconds * 1000);
  const earliestMs = Math.max(nowMs + soonestMs, allowedMs);
  return dueAt(tokens.connectionId, Math.max(earliestMs, Math.min(...candidatesMs)));
}

const nextSecond = (instantMs: number): number => Math.ceil(instantMs / secondMs) * secondMs;

function beforeAccessTokenEnds(
  { refreshPolicy }: ClientRegistration,
  { expiresAtMs }: ScheduledTokens,
  nowMs: number,
  fraction: number,
  sweepIntervalMs: number,
): number | undefined {
  if (refreshPolicy !== "proactive" || expiresAtMs === undefined) return undefined;
  const lifetimeMs = Math.max(0, expiresAtMs - nowMs);
  // Tokens that have expired already, as after an import, are spread over the shortest margin.
  if (lifetimeMs === 0) return nowMs + soonestMs + minimumMarginMs * fraction;
  const marginMs = Math.min(Math.max(lifetimeMs / 5, minimumMarginMs), maximumMarginMs);
  const latestMs = expiresAtMs - Math.max(marginMs, sweepIntervalMs + deliveryMs);
  return latestMs - Math.min(marginMs, lifetimeMs / 5) * fraction;
}

function beforeRefreshTokenIdles(
  { refreshTokenIdleSeconds }: ClientRegistration,
  { refreshTokenExpiresAtMs }: ScheduledTokens,
  nowMs: number,
  fraction: number,
): number | undefined {
  const endMs = Math.min(
    refreshTokenExpiresAtMs ?? Number.POSITIVE_INFINITY,
    refreshTokenIdleSeconds === undefined
      ? Number.POSITIVE_INFINITY
      : nowMs + refreshTokenIdleSeconds * 1000,
  );
  const leftMs = endMs - nowMs;
  if (leftMs === Number.POSITIVE_INFINITY || leftMs < shortestKeepaliveMs) return undefined;
  return nowMs + leftMs * keepaliveFraction * (1 - fraction / 10);
}

export const dueAt = (connectionId: ConnectionId, refreshAtMs: number): Due => ({
  refreshShard: shardOf(connectionId),
  refreshAtMs,
});

const firstBackoffMs = minuteMs;
const longestBackoffMs = hourMs;

/**
 * When a connection whose refresh has failed is tried again: with full jitter, doubling from one minute to
 * one hour; while the token lives, after no more than half of the time that it has left; never sooner than
 * the provider asked for, and never sooner than it was scheduled anyway.
 * https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
 */
export function dueAfterFailure(
  connection: Connection,
  { count, retryAtMs = 0 }: Pick<Failure, "count" | "retryAtMs">,
  nowMs: number,
  fraction: number,
): Rescheduling {
  const { connectionId, refreshAtMs } = connection;
  if (refreshAtMs === undefined) return "unchanged";
  const lifeLeftMs = (effectiveEndMs(connection) ?? 0) - nowMs;
  const longestMs = Math.min(
    firstBackoffMs * 2 ** Math.min(count - 1, 10),
    lifeLeftMs > 0 ? Math.max(firstBackoffMs, lifeLeftMs / 2) : longestBackoffMs,
    longestBackoffMs,
  );
  const delayMs = Math.max(soonestMs, longestMs * fraction);
  return laterOf(connectionId, refreshAtMs, Math.max(nowMs, retryAtMs) + delayMs);
}

/** Connections that are held or limited together come back spread over this long, and longer the longer it lasts. */
const shortestSpreadMs = minuteMs;
const longestSpreadMs = 15 * minuteMs;

/** When a connection of a held integration is tried again. */
export function dueAfterHold(
  { connectionId, refreshAtMs }: Connection,
  { beganAtMs, untilMs }: Pick<IntegrationHold, "beganAtMs" | "untilMs">,
  nowMs: number,
  fraction: number,
): Rescheduling {
  if (refreshAtMs === undefined) return "unchanged";
  const spreadMs = Math.min(Math.max(nowMs - beganAtMs, shortestSpreadMs), longestSpreadMs);
  return laterOf(
    connectionId,
    refreshAtMs,
    Math.max(untilMs, nowMs + soonestMs) + spreadMs * fraction,
  );
}

/** When an inactive connection is looked at again, in case its owner has switched it on. */
export const dueWhileInactive = (connectionId: ConnectionId, nowMs: number): Due =>
  dueAt(connectionId, nowMs + hourMs);

const laterOf = (connectionId: ConnectionId, scheduledMs: number, otherMs: number): Rescheduling =>
  scheduledMs >= otherMs ? "unchanged" : dueAt(connectionId, otherMs);

export const shardOf = (connectionId: ConnectionId): number =>
  stableHash(connectionId) % refreshShards;
