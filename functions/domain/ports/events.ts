import type {
  ConnectionId,
  RegistrationName,
  SealedTokenSet,
  WorkspaceId,
} from "../model/connection.ts";
import type { RefreshErrorCode } from "../model/errors.ts";
import type { TokenSetCommit } from "./connection-store.ts";
import type { HoldReason } from "./integration.ts";

interface OfConnection {
  readonly connectionId: ConnectionId;
  readonly workspaceId: WorkspaceId;
}

/**
 * What the domain tells the telemetry. The `code` is stable: log queries, metrics and tests name it.
 * No event holds a token; the only ciphertexts are the records of last resort.
 */
export type RefreshEvent = ConnectionEvent | IntegrationEvent | SweepEvent;

/** Of a client registration, and all connections that use it. */
export type IntegrationEvent = { readonly registrationName: RegistrationName } & (
  | { readonly code: "integration.held"; readonly reason: HoldReason; readonly untilMs: number }
  | { readonly code: "integration.probed" }
  | { readonly code: "integration.recovered" }
);

/** Of the schedule. */
export type SweepEvent =
  | {
      readonly code: "sweep.ended";
      readonly enqueued: number;
      /** Shards that somebody else was sweeping, or that the time did not suffice for. */
      readonly shardsLeft: number;
      /** How long what is due has waited at the most for its sweep. */
      readonly lagMs: number;
    }
  /** `refreshShard` undefined: while catching up. */
  | {
      readonly code: "sweep.interrupted";
      readonly refreshShard: number | undefined;
      readonly cause: unknown;
    }
  | { readonly code: "sweep.caught_up"; readonly enqueued: number; readonly due: number };

export type ConnectionEvent = OfConnection &
  (
    | {
        readonly code: "refresh.refreshed";
        readonly integration: string;
        readonly version: number;
        /** Of the access token; undefined: unknown. */
        readonly expiresAtMs: number | undefined;
        readonly rotated: boolean;
        /** From the provider's last byte to the acknowledged commit. */
        readonly commitGapMs: number;
        readonly notes: readonly string[];
      }
    | { readonly code: "refresh.coalesced" }
    | { readonly code: "refresh.still_valid" }
    | {
        readonly code: "refresh.failed";
        readonly integration: string;
        readonly failure: RefreshErrorCode;
        readonly reason: string | undefined;
        readonly providerError: string | undefined;
        readonly providerErrorDescription: string | undefined;
      }
    | { readonly code: "token_request.retried"; readonly reason: string; readonly delayMs: number }
    | { readonly code: "client.reread"; readonly registrationName: RegistrationName }
    /** Moved in the schedule without asking the provider. */
    | {
        readonly code: "schedule.postponed";
        readonly integration: string;
        readonly reason: RefreshErrorCode;
      }
    /** The message is for a time that the connection is no longer scheduled for. */
    | { readonly code: "schedule.out_of_date" }
    | { readonly code: "lease.lost" }
    | { readonly code: "lease.unreleased"; readonly cause: unknown }
    | { readonly code: "failure.unrecorded"; readonly cause: unknown }
    | { readonly code: "credentials.unreadable"; readonly cause: unknown }
    | { readonly code: "commit.retried"; readonly attempt: number; readonly cause: unknown }
    /** Another holder committed first: what this one received is kept here, as ciphertext. */
    | {
        readonly code: "commit.superseded";
        readonly expectedVersion: number;
        readonly credentials: SealedTokenSet;
      }
    | { readonly code: "commit.rescued" }
    /** Neither store nor rescue queue took the token set: `admin rescue` commits it from this line. */
    | { readonly code: "commit.last_resort"; readonly commit: TokenSetCommit }
    | { readonly code: "rescue.committed"; readonly version: number }
    /** Another token set was committed first: the rescued one is kept here, as ciphertext. */
    | {
        readonly code: "rescue.superseded";
        readonly expectedVersion: number;
        readonly credentials: SealedTokenSet;
      }
    | { readonly code: "rescue.absent" }
  );
