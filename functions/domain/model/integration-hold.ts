export const holdReasons = ["client_rejected", "rate_limited", "provider_failing"] as const;
export type HoldReason = (typeof holdReasons)[number];

/** Keeps every process from asking an integration's provider until a stated time. */
export interface IntegrationHold {
  readonly reason: HoldReason;
  /** When the first of these successive holds was placed. */
  readonly beganAtMs: number;
  readonly untilMs: number;
  /** Successive holds, this one included. */
  readonly count: number;
  /** The registration that was used; a changed secret ends the hold of a rejected client at once. */
  readonly registrationVersion: string;
}

/** Why, since when and until when an integration must not be asked. */
export interface IntegrationBlock extends Pick<IntegrationHold, "beganAtMs" | "untilMs"> {
  /** Undefined: the integration is at its own limits, and not held. */
  readonly holdReason: HoldReason | undefined;
}
