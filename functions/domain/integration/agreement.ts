import type { HoldReason, HoldScope, TroubleWindow } from "../model/integration-hold.ts";
import type { Evidence } from "../ports/integration.ts";

/** Longer than the schedule's minute: the connections of a small integration come due in different ones. */
export const windowMs = 120_000;

/**
 * How long a window has to be open before its evidence counts: every process has learned of it by then, within two
 * seconds, and a process for which the provider works has added a success.
 */
const settledAfterMs = 3_000;

/** The distinct connections that have to fail in one window. */
const connectionsToHold: Readonly<Record<HoldReason, number>> = {
  client_rejected: 2,
  rate_limited: 2,
  provider_failing: 3,
};

export const isOpen = ({ beganAtMs }: TroubleWindow, nowMs: number): boolean =>
  nowMs < beganAtMs + windowMs;

/**
 * The connections that share a trouble, by the evidence of one window. Connections agree where enough of them have
 * failed for the same reason and none has succeeded.
 *
 * - Connections of one workspace show a trouble of that workspace alone. Where an integration has no other
 *   workspace, that is all of it.
 * - Connections of one origin show a trouble of that origin alone.
 *
 * @returns undefined: they do not agree, or it is too early to know
 */
export function agreedScope(
  { failing, workspaceIds, origins, succeeded }: Evidence,
  reason: HoldReason,
  { origin, beganAtMs }: TroubleWindow,
  nowMs: number,
): HoldScope | undefined {
  if (succeeded > 0 || nowMs - beganAtMs < settledAfterMs) return undefined;
  if (failing.length < connectionsToHold[reason]) return undefined;
  if (origin === undefined && origins.length < 2) return undefined;
  return { origin, workspaceId: workspaceIds.length > 1 ? undefined : workspaceIds[0] };
}
