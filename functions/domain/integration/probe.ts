import type { Budget } from "../model/budget.ts";
import { type Connection, keyOf } from "../model/connection.ts";
import type { HoldScope, IntegrationHold } from "../model/integration-hold.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import { type HoldCause, holdPeriodMs, nextHold, triedLast } from "./hold-duration.ts";

type Probing = Pick<Connection, "connectionId" | "workspaceId" | "failure">;

export const isInScope = (
  { origin, workspaceId }: HoldScope,
  connection: Pick<Connection, "workspaceId">,
  connectionOrigin: string | undefined,
): boolean =>
  (origin === undefined || origin === connectionOrigin) &&
  (workspaceId === undefined || workspaceId === connection.workspaceId);

/** A client that was rejected with another secret has not been rejected with this one. */
export const isCurrent = (
  { reason, registrationVersion }: IntegrationHold,
  { version }: Pick<ClientRegistration, "version">,
): boolean => reason !== "client_rejected" || registrationVersion === version;

/** Holds that concern more connections come first. */
export const widestFirst = (one: IntegrationHold, other: IntegrationHold): number =>
  width(other) - width(one);

const width = ({ scope: { origin, workspaceId } }: IntegrationHold): number =>
  (origin === undefined ? 2 : 0) + (workspaceId === undefined ? 1 : 0);

/** How long a hold waits for a connection without a failure, in periods of the hold. */
const periodsForOthers = 2;

/**
 * When a connection may probe a hold. One without a failure of its own may as soon as the hold's time has come: its
 * result says something about the provider. The others come two periods later, and after each attempt of one of
 * them; and among these the one that was tried longest ago comes first.
 *
 *     placed            until                   + 2 periods      + 1 period
 *     ├──── nobody ───────┼──── the others ────────┼──── tried longest ago ──┼──── tried after it ────▶
 */
export function mayProbeAtMs(hold: IntegrationHold, connection: Probing): number {
  if (isUntried(hold, connection)) return hold.untilMs;
  const { untilMs, triedAtMs, failing } = hold;
  const rank = Math.max(0, failing.findIndex(isSame(connection)));
  return Math.max(untilMs, triedAtMs) + (periodsForOthers + rank) * holdPeriodMs(hold);
}

const slowestReturnMs = 60_000;

/**
 * When a connection that may not probe a hold is to come back: at the hold's time, or soon after it, for the hold may
 * have ended by then through another connection.
 */
export const returnsAtMs = (hold: IntegrationHold, connection: Probing, nowMs: number): number =>
  hold.untilMs > nowMs
    ? hold.untilMs
    : Math.min(mayProbeAtMs(hold, connection), nowMs + slowestReturnMs);

/** The connection neither met the trouble of this hold nor has a failure from before it. */
const isUntried = (hold: IntegrationHold, connection: Probing): boolean =>
  !hold.failing.some(isSame(connection)) && !hasOwnFailure(hold, connection);

const isSame =
  ({ connectionId }: Pick<Connection, "connectionId">) =>
  (other: Pick<Connection, "connectionId">): boolean =>
    connectionId === other.connectionId;

/** A failure that began under the hold is the hold's own: the connection was postponed because of it. */
const hasOwnFailure = ({ beganAtMs }: IntegrationHold, { failure }: Probing): boolean =>
  failure !== undefined && failure.code !== "integration_held" && failure.beganAtMs < beganAtMs;

/**
 * The hold while a connection probes it. The probe keeps others away until the function that sends it has ended;
 * one of a connection that has failed before keeps away only others that have.
 */
export function probed(
  hold: IntegrationHold,
  connection: Probing,
  nowMs: number,
  { functionTimeoutMs }: Pick<Budget, "functionTimeoutMs">,
): IntegrationHold {
  if (isUntried(hold, connection)) return { ...hold, untilMs: nowMs + functionTimeoutMs };
  const failing = triedLast(hold.failing, keyOf(connection));
  return { ...hold, failing, triedAtMs: nowMs };
}

/** The hold after its probe has failed. A connection that has met the trouble before says nothing new by it. */
export function afterFailedProbe(
  hold: IntegrationHold,
  connection: Probing,
  cause: Omit<HoldCause, "failing">,
  nowMs: number,
): IntegrationHold {
  if (hold.failing.some(isSame(connection))) return hold;
  return nextHold(hold.scope, { ...cause, failing: [keyOf(connection)] }, hold, nowMs);
}
