import type { RegistrationName } from "../model/connection.ts";

/**
 * Integrations that are in trouble, and not asked until a stated time: known to every process within
 * seconds. `untilMs` tells one hold from the next, so that what is decided on one does not touch another.
 */
export interface IntegrationHolds {
  /** May be some seconds old; one whose time has come is told, too. Never rejects: without an answer, none. */
  current(name: RegistrationName): Promise<IntegrationHold | undefined>;
  /** Places a hold where `previous`, or none, is. Where another was placed meanwhile, that one stays. */
  place(
    name: RegistrationName,
    hold: IntegrationHold,
    previous: IntegrationHold | undefined,
  ): Promise<void>;
  /**
   * A hold whose time has come lets one caller through, and lasts for all others until `probeUntilMs`.
   * @returns the hold as the one who may try has to name it; undefined for everybody else
   */
  probe(
    name: RegistrationName,
    hold: IntegrationHold,
    probeUntilMs: number,
  ): Promise<IntegrationHold | undefined>;
  lift(name: RegistrationName, hold: IntegrationHold): Promise<void>;
}

export const holdReasons = ["client_rejected", "rate_limited", "provider_failing"] as const;
export type HoldReason = (typeof holdReasons)[number];

export interface IntegrationHold {
  readonly reason: HoldReason;
  /** Of the run of holds that this one is the last of. */
  readonly beganAtMs: number;
  readonly untilMs: number;
  /** Holds in a row, this one included. */
  readonly count: number;
  /** The registration that was used; a changed secret ends the hold of a rejected client at once. */
  readonly registrationVersion: string;
}

/** How often a provider may be asked on behalf of one client registration, by all processes together. */
export interface IntegrationLimits {
  /** @throws {StoreUnavailable} */
  acquire(request: PermitRequest): Promise<Permit>;
  /** Never rejects: a permit that is not given back ends by itself. */
  release(name: RegistrationName, permitId: string): Promise<void>;
}

export interface PermitRequest {
  readonly name: RegistrationName;
  readonly permitId: string;
  /** Grants at a time; undefined: any number. */
  readonly maxConcurrent: number | undefined;
  /** Grants begun in any one minute; undefined: any number. */
  readonly maxPerMinute: number | undefined;
  readonly nowMs: number;
  /** When the permit ends by itself. */
  readonly expiresAtMs: number;
}

export type Permit =
  | { readonly kind: "granted" }
  /** `retryAtMs`: when there may be room. */
  | { readonly kind: "busy"; readonly retryAtMs: number };
