import type { ConnectionKey, WorkspaceId } from "./connection.ts";

export const holdReasons = ["client_rejected", "rate_limited", "provider_failing"] as const;
export type HoldReason = (typeof holdReasons)[number];

/** The connections of one client registration that share a trouble. */
export interface HoldScope {
  /** Origin of their token endpoint, RFC 6454 §6.2. Undefined: any. */
  readonly origin: string | undefined;
  /** Undefined: any workspace. */
  readonly workspaceId: WorkspaceId | undefined;
}

/** Keeps every process from asking a provider for the connections of a scope until a stated time. */
export interface IntegrationHold {
  readonly scope: HoldScope;
  readonly reason: HoldReason;
  /** When the first of these successive holds was placed. */
  readonly beganAtMs: number;
  /** When a connection without a failure of its own may probe. */
  readonly untilMs: number;
  /** Successive holds, this one included. */
  readonly count: number;
  /** The registration that was used; a changed secret ends the hold of a rejected client at once. */
  readonly registrationVersion: string;
  /** Connections that met the trouble, at most 8. The one that was tried longest ago is the first. */
  readonly failing: readonly ConnectionKey[];
  /** When the last of `failing` was tried. */
  readonly triedAtMs: number;
}

/** The time in which failures of one registration are compared, for each origin and for all of them together. */
export interface TroubleWindow {
  /** Undefined: all origins of the registration. */
  readonly origin: string | undefined;
  /** When the first failure opened the window; names it. */
  readonly beganAtMs: number;
}

/** All that processes share about the trouble of one client registration. */
export interface IntegrationTrouble {
  readonly holds: readonly IntegrationHold[];
  /** Windows that are open, or were. */
  readonly windows: readonly TroubleWindow[];
}

export const noTrouble: IntegrationTrouble = { holds: [], windows: [] };

/** Why, since when and until when an integration must not be asked. */
export interface IntegrationBlock extends Pick<IntegrationHold, "beganAtMs" | "untilMs"> {
  /** Undefined: the integration is at its own limits, and not held. */
  readonly holdReason: HoldReason | undefined;
}

export const isSameScope = (one: HoldScope, other: HoldScope): boolean =>
  one.origin === other.origin && one.workspaceId === other.workspaceId;
