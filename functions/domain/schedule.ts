import type { ConnectionId } from "./connection.ts";
import type { ClientRegistration, Due } from "./ports.ts";

/** Hash keys of the index `due`. A connection keeps its shard for life. */
export const refreshShards = 64;

const minimumMarginMs = 60_000;
const maximumMarginMs = 15 * 60_000;
/** An idle refresh token is renewed when this part of its idle time has passed. */
const keepaliveFraction = 0.5;

/**
 * When the next refresh is due, or undefined when the schedule is not to touch the connection.
 * `proactive`: before the access token ends, by `clamp(lifetime/5, 60 s, 15 min)` and up to as much
 * again in jitter, so that connections imported together do not come due together.
 *
 * @param fraction a random number in [0, 1)
 */
export function nextDue(
  { refreshPolicy, refreshTokenIdleSeconds }: ClientRegistration,
  connectionId: ConnectionId,
  nowMs: number,
  expiresAtMs: number | undefined,
  fraction: number,
): Due | undefined {
  const refreshShard = shardOf(connectionId);
  if (refreshPolicy === "proactive" && expiresAtMs !== undefined) {
    const lifetimeMs = Math.max(0, expiresAtMs - nowMs);
    const marginMs = Math.min(Math.max(lifetimeMs / 5, minimumMarginMs), maximumMarginMs);
    const jitterMs = Math.min(marginMs, lifetimeMs / 5) * fraction;
    return { refreshShard, refreshAtMs: Math.max(nowMs, expiresAtMs - marginMs - jitterMs) };
  }
  if (refreshPolicy !== "on_demand" && refreshTokenIdleSeconds !== undefined) {
    const idleMs = refreshTokenIdleSeconds * 1000 * keepaliveFraction;
    return { refreshShard, refreshAtMs: nowMs + idleMs * (1 - fraction / 10) };
  }
  return undefined;
}

/** FNV-1a over the id's characters: stable across releases, even across shards. */
export function shardOf(connectionId: ConnectionId): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < connectionId.length; i++) {
    hash = Math.imul(hash ^ connectionId.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % refreshShards;
}
