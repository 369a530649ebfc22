import type {
  Connection,
  ConnectionKey,
  ConnectionStatus,
  Failure,
  Lease,
  SealedTokenSet,
} from "../model/connection.ts";

/**
 * Where connections live. Every method rejects with {@link StoreUnavailable} when the store does not
 * answer, after its own deadline and retries; it may then have done what was asked, or not.
 */
export interface ConnectionStore {
  /** Strongly consistent. Undefined when absent, or when another workspace's. */
  read(key: ConnectionKey): Promise<Connection | undefined>;

  /** Reads and locks in one request. */
  acquireLease(request: LeaseRequest): Promise<Acquisition>;

  /** Stores a token set if `credentialsVersion` is still the one that was read; ends any lease, clears the failure. */
  commit(commit: TokenSetCommit): Promise<WriteResult>;

  /**
   * Records a failure if the lease is still the caller's and the version still the one that was read.
   * Ends the lease unless `keepLease`.
   */
  recordFailure(record: FailureRecord): Promise<WriteResult>;

  /** Ends the lease if it is still the caller's; does nothing otherwise. */
  releaseLease(key: ConnectionKey, leaseId: string): Promise<void>;

  /**
   * Moves a connection in the schedule, and says why, if it stands there as it was read: the version,
   * the time for which it was scheduled, and no live lease.
   */
  postpone(record: Postponement): Promise<WriteResult>;
}

export interface LeaseRequest extends ConnectionKey, Lease {
  readonly nowMs: number;
  /** The lease is declined when a token set was committed after this instant; undefined: whenever. */
  readonly refreshedBeforeMs: number | undefined;
}

export type Acquisition =
  | { readonly kind: "acquired"; readonly connection: Connection }
  /** Leased by another, refreshed a moment ago, inactive or expired: `connection` tells. */
  | { readonly kind: "declined"; readonly connection: Connection }
  | { readonly kind: "absent" };

/** Whether a conditional write was done; where not, what stands there now. */
export type WriteResult =
  | { readonly kind: "done" }
  | { readonly kind: "superseded"; readonly connection: Connection }
  | { readonly kind: "absent" };

export interface TokenSetCommit extends ConnectionKey {
  /** The version that was read; the commit makes it this plus one. */
  readonly expectedVersion: number;
  readonly credentials: SealedTokenSet;
  readonly expiresAtMs: number | undefined;
  /** Undefined: what is stored stays; likewise the absolute end. */
  readonly refreshTokenExpiresAtMs: number | undefined;
  readonly refreshTokenAbsoluteExpiresAtMs: number | undefined;
  readonly committedAtMs: number;
  /** Unless the owner has switched the connection since: what {@link statusAfterRefresh} keeps, stays. */
  readonly status: ConnectionStatus;
  readonly due: Due | undefined;
  /**
   * Undefined: the connection is well, and was refreshed. Of what comes late, by the rescue queue, it is
   * not known any more.
   */
  readonly failure?: Failure | undefined;
}

/** When the schedule takes the connection up, and in which shard of the index. */
export interface Due {
  readonly refreshAtMs: number;
  readonly refreshShard: number;
}

export interface FailureRecord extends ConnectionKey {
  readonly leaseId: string;
  readonly expectedVersion: number;
  readonly failure: Failure;
  /** Undefined: unchanged; so is a connection that was made `inactive` meanwhile. */
  readonly status: ConnectionStatus | undefined;
  readonly keepLease: boolean;
  readonly schedule: Rescheduling;
}

/** What becomes of a connection's place in the schedule. */
export type Rescheduling = Due | "unchanged" | "removed";

export interface Postponement extends ConnectionKey {
  readonly expectedVersion: number;
  /** As it was read. */
  readonly refreshAtMs: number;
  readonly nowMs: number;
  readonly schedule: Exclude<Rescheduling, "unchanged">;
  readonly failure: Failure;
}
