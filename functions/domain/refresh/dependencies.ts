import type { CircuitBreaker } from "../integration/circuit-breaker.ts";
import type { Budget } from "../model/budget.ts";
import type { Connection, ConnectionKey, Lease } from "../model/connection.ts";
import type { IntegrationHold, TroubleWindow } from "../model/integration-hold.ts";
import type { ClientRegistration, ClientRegistry } from "../ports/client-registration.ts";
import type { Clock, Invocation } from "../ports/clock.ts";
import type { ConnectionStore } from "../ports/connection-store.ts";
import type { IntegrationHolds, IntegrationLimits } from "../ports/integration.ts";
import type { Rebinds } from "../ports/rebinds.ts";
import type { RescueQueue } from "../ports/rescue-queue.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { OpenedTokenSet, TokenCipher } from "../ports/token-cipher.ts";
import type { TokenEndpoint } from "../ports/token-endpoint.ts";
import type { ScheduleSettings } from "../schedule/due.ts";

/** Everything that a refresh runs on. Each step names the part that it reads: {@link Using}. */
export interface RefreshDependencies {
  readonly store: ConnectionStore;
  readonly registry: ClientRegistry;
  readonly tokenEndpoint: TokenEndpoint;
  readonly rebinds: Rebinds;
  /** Token sets that were sealed before they were bound to their issuer are sent no more. */
  readonly requiresBinding: boolean;
  readonly cipher: TokenCipher;
  readonly rescueQueue: RescueQueue;
  readonly holds: IntegrationHolds;
  readonly limits: IntegrationLimits;
  readonly circuitBreaker: CircuitBreaker;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Returns a different id on every call, in every process. */
  readonly newLeaseId: () => string;
  readonly budget: Budget;
  /** A token set committed this recently is the outcome of every call but a forced one. */
  readonly coalesceWindowMs: number;
  readonly schedule: ScheduleSettings;
}

export type Using<Name extends keyof RefreshDependencies> = Pick<RefreshDependencies, Name>;

export interface RefreshRequest extends ConnectionKey {
  /** A token that lives at least this long is left as it is. */
  readonly minTtlSeconds?: number | undefined;
  /** Refreshes even a token that was refreshed a moment ago. Never overrides a lease. */
  readonly force?: boolean | undefined;
  /** A token set committed up to this instant is not recent, whatever the coalesce window. */
  readonly refreshedBeforeMs?: number | undefined;
  /** The schedule asks, before the access token ends, and not a caller who needs it now. @default false */
  readonly isScheduled?: boolean | undefined;
  /** Permission that the caller has obtained, and returns, itself. Undefined: the refresh asks for it. */
  readonly permission?: Permission | undefined;
  readonly invocation: Invocation;
}

/** Permission to send one token request on behalf of a client registration. */
export interface Permission {
  readonly registration: ClientRegistration;
  /** The hold that the caller passes as its probe: the result of the request decides about it. */
  readonly hold: IntegrationHold | undefined;
  /** The windows in which a success of this request counts. */
  readonly windows: readonly TroubleWindow[];
  /** Undefined: the registration has no limits. */
  readonly permitId: string | undefined;
}

/** A connection, and the lease on it that this call has acquired. */
export interface HeldConnection {
  readonly connection: Connection;
  readonly lease: Lease;
}

/** A refresh that is ready to be sent. */
export interface Attempt extends HeldConnection {
  readonly invocation: Invocation;
  readonly isScheduled: boolean;
  readonly opened: OpenedTokenSet;
}
