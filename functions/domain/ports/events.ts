import type { ConnectionKey, RegistrationName, SealedTokenSet } from "../model/connection.ts";
import type { CountedErrorCode, FailureCode } from "../model/errors.ts";
import type { HoldScope, IntegrationHold } from "../model/integration-hold.ts";
import type { AssumedFrom } from "../schedule/assumed-end.ts";
import type { TokenSetCommit } from "./connection-store.ts";

/**
 * Everything that the domain emits. A `code` is stable: log queries, metrics and tests name it. No event
 * holds a token; the only ciphertexts are in the records of last resort. How an event is logged and counted
 * is one entry of the table in telemetry/event-table.ts, which has to have an entry for each.
 */
export type RefreshEvent = ConnectionEvent | IntegrationEvent | SweepEvent;

/** Events of a client registration, and of all connections that use it. */
export type IntegrationEvent = {
  readonly registrationName: RegistrationName;
  readonly integration: string;
} & (
  | { readonly code: "integration.held"; readonly hold: IntegrationHold }
  | { readonly code: "integration.probed"; readonly scope: HoldScope }
  | { readonly code: "integration.recovered"; readonly scope: HoldScope }
);

/** Events of the schedule. */
export type SweepEvent =
  | {
      readonly code: "sweep.ended";
      readonly enqueued: number;
      /** Shards that another sweep held, or for which there was no time. */
      readonly shardsLeft: number;
      /** The longest time that a due connection has waited for this sweep. */
      readonly lagMs: number;
    }
  | {
      readonly code: "sweep.interrupted";
      /** Undefined: the sweep was catching up. */
      readonly refreshShard: number | undefined;
      readonly cause: unknown;
    }
  | { readonly code: "sweep.caught_up"; readonly enqueued: number; readonly due: number };

export type ConnectionEvent = ConnectionKey &
  (
    | {
        readonly code: "refresh.refreshed";
        readonly integration: string;
        readonly version: number;
        /** When the access token expires. Undefined: unknown. */
        readonly expiresAtMs: number | undefined;
        /** The evidence for the end that the schedule assumes. Undefined: the end is stated, or there is none. */
        readonly assumedFrom: AssumedFrom | undefined;
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
        readonly failure: CountedErrorCode;
        readonly reason: string | undefined;
        readonly providerError: string | undefined;
        readonly providerErrorDescription: string | undefined;
      }
    | { readonly code: "token_request.retried"; readonly reason: string; readonly delayMs: number }
    /** The tokens were issued by another server, or to another client: nothing was sent. */
    | {
        readonly code: "token_request.withheld";
        readonly integration: string;
        readonly registrationName: RegistrationName;
        /** Undefined: the tokens are not bound. */
        readonly boundTo: string | undefined;
        readonly tokenEndpoint: string;
        readonly isSameClient: boolean;
      }
    | { readonly code: "client.reread"; readonly registrationName: RegistrationName }
    /** The connection is due later; the provider was not asked. */
    | {
        readonly code: "schedule.postponed";
        readonly integration: string;
        readonly reason: FailureCode;
      }
    /** The message names a time for which the connection is no longer scheduled. */
    | { readonly code: "schedule.out_of_date" }
    | { readonly code: "lease.lost" }
    | { readonly code: "lease.unreleased"; readonly cause: unknown }
    | { readonly code: "failure.unrecorded"; readonly cause: unknown }
    | { readonly code: "credentials.unreadable"; readonly cause: unknown }
    | { readonly code: "commit.retried"; readonly attempt: number; readonly cause: unknown }
    /** Another holder committed first; the token set that this one received is kept here, as ciphertext. */
    | {
        readonly code: "commit.superseded";
        readonly expectedVersion: number;
        readonly credentials: SealedTokenSet;
      }
    /** The connection was deleted while its tokens were requested: they are not stored, and not revoked. */
    | { readonly code: "commit.absent" }
    | { readonly code: "commit.rescued" }
    /** Neither store nor rescue queue took the token set: `admin rescue` commits it from this line. */
    | { readonly code: "commit.last_resort"; readonly commit: TokenSetCommit }
    | { readonly code: "rescue.committed"; readonly version: number }
    /** Another token set was committed first; the rescued one is kept here, as ciphertext. */
    | {
        readonly code: "rescue.superseded";
        readonly expectedVersion: number;
        readonly credentials: SealedTokenSet;
      }
    | { readonly code: "rescue.absent" }
    /** Whoever sent it may have had no right to. It is kept here, in case the fault is this service's. */
    | {
        readonly code: "rescue.refused";
        readonly credentials: SealedTokenSet;
        readonly cause: unknown;
      }
  );
