import type { ConnectionKey, RegistrationName, WorkspaceId } from "../model/connection.ts";
import type {
  HoldReason,
  IntegrationHold,
  IntegrationTrouble,
  TroubleWindow,
} from "../model/integration-hold.ts";

/**
 * Holds on the connections of a registration, and the windows in which their failures are compared. Every
 * process knows of a change within two seconds. No method rejects because the store does not respond: a hold must
 * not be the reason that nothing is refreshed.
 */
export interface IntegrationHolds {
  /** May be two seconds old; the time of a hold may have come. A store that does not respond counts as no trouble. */
  current(name: RegistrationName): Promise<IntegrationTrouble>;
  /**
   * Places a hold for a scope in place of `previous`, or of none.
   * @returns false: the scope's hold is another by now, and stays; or the store does not respond
   */
  replace(
    name: RegistrationName,
    previous: IntegrationHold | undefined,
    hold: IntegrationHold,
  ): Promise<boolean>;
  /** Ends a hold, unless another has taken its place. @returns whether it ended */
  lift(name: RegistrationName, hold: IntegrationHold): Promise<boolean>;
  /**
   * Opens a window in place of one that is over, or of none.
   * @returns the window that is open then, of whichever process. Undefined: too many are, or the store does not
   * respond
   */
  openWindow(name: RegistrationName, window: TroubleWindow): Promise<TroubleWindow | undefined>;
}

/** A token request that failed for a reason that other connections may share. */
export interface SharedFailure {
  readonly reason: HoldReason;
  readonly connection: ConnectionKey;
  readonly origin: string;
}

/** The results that all processes have seen in a window. */
export interface Evidence {
  /** Connections that failed for the reason in question, at most 8; and so their workspaces and origins. */
  readonly failing: readonly ConnectionKey[];
  readonly workspaceIds: readonly WorkspaceId[];
  readonly origins: readonly string[];
  /** Token requests that failed for any reason, and that succeeded; up to five seconds late. */
  readonly refused: number;
  readonly succeeded: number;
}

/**
 * The evidence for holds, added up over all processes. No method rejects because the store does not respond: the
 * next response says the same again.
 */
export interface TroubleEvidence {
  /** @returns the evidence with this failure, for its reason. Undefined: the store does not respond */
  addFailure(
    name: RegistrationName,
    window: TroubleWindow,
    failure: SharedFailure,
  ): Promise<Evidence | undefined>;
  /** The first success that a process adds to a window is stored at once. */
  addSuccess(name: RegistrationName, window: TroubleWindow): Promise<void>;
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
