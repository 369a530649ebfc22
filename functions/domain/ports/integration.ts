import type { RegistrationName } from "../model/connection.ts";
import type { IntegrationHold } from "../model/integration-hold.ts";

/**
 * Holds on integrations: every process knows them within seconds. `untilMs` distinguishes a hold from the
 * next one, so that a decision about one does not touch another.
 */
export interface IntegrationHolds {
  /**
   * The hold that stands; it may be some seconds old, and its time may have come. Never rejects: a store
   * that does not respond counts as no hold.
   */
  current(name: RegistrationName): Promise<IntegrationHold | undefined>;
  /** Places a hold in place of `previous`, or of none. A hold that was placed meanwhile stays. */
  place(
    name: RegistrationName,
    hold: IntegrationHold,
    previous: IntegrationHold | undefined,
  ): Promise<void>;
  /**
   * Lets one caller through a hold whose time has come, and extends it for all others until `probeUntilMs`.
   * @returns the hold as the permitted caller has to name it; undefined for everybody else
   */
  probe(
    name: RegistrationName,
    hold: IntegrationHold,
    probeUntilMs: number,
  ): Promise<IntegrationHold | undefined>;
  lift(name: RegistrationName, hold: IntegrationHold): Promise<void>;
}

/** The limits of a client registration on its own requests, kept by all processes together. */
export interface IntegrationLimits {
  /** @throws {StoreUnavailable} */
  acquire(request: PermitRequest): Promise<Permit>;
  /** Never rejects: a permit that is not returned ends by itself. */
  release(name: RegistrationName, permitId: string): Promise<void>;
}

export interface PermitRequest {
  readonly name: RegistrationName;
  readonly permitId: string;
  /** Token requests at a time. Undefined: any number. */
  readonly maxConcurrent: number | undefined;
  /** Token requests begun in any one minute. Undefined: any number. */
  readonly maxPerMinute: number | undefined;
  readonly nowMs: number;
  /** When the permit ends by itself. */
  readonly expiresAtMs: number;
}

export type Permit =
  | { readonly kind: "granted" }
  /** `retryAtMs`: when there may be room. */
  | { readonly kind: "busy"; readonly retryAtMs: number };
