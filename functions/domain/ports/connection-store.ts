import type {
  Connection,
  ConnectionKey,
  ConnectionStatus,
  Failure,
  Lease,
  SealedTokenSet,
  TakeOver,
} from "../model/connection.ts";

/**
 * The stored connections. Every method rejects with {@link StoreUnavailable} when the store does not respond
 * within its own deadline and retries; the request may then have been carried out, or not.
 */
export interface ConnectionStore {
  /** Strongly consistent. A connection of another workspace is reported as absent: undefined. */
  read(key: ConnectionKey): Promise<Connection | undefined>;

  /**
   * Reads the connection and acquires its lease in one request. A lease that ended with nothing stored under
   * it is acquired when its take-over has come; the acquired connection then has a `takeOver`.
   */
  acquireLease(request: LeaseRequest): Promise<Acquisition>;

  /** States when a dead lease may be taken over, once: a time that is stated for this lease already stays. */
  scheduleTakeOver(key: ConnectionKey, takeOver: TakeOver): Promise<void>;

  /**
   * Stores a token set if the stored version is still the one that was read, and no other caller holds a live
   * lease: that caller may get the newer token set. Ends any lease, and clears the failure.
   */
  commit(commit: TokenSetCommit, committer: Committer): Promise<CommitResult>;

  /**
   * Records a failure if the lease is still the caller's and the version still the one that was read.
   * Ends the lease unless `keepLease`.
   */
  recordFailure(record: FailureRecord): Promise<WriteResult>;

  /** Ends the lease if it is still the caller's; does nothing otherwise. */
  releaseLease(key: ConnectionKey, leaseId: string): Promise<void>;

  /**
   * Makes a connection due at another time, and stores why, if it still stands as it was read: with that
   * version, due at that time, and without a live lease.
   */
  postpone(record: Postponement): Promise<WriteResult>;
}

export interface LeaseRequest extends ConnectionKey, Lease {
  readonly nowMs: number;
  /** The lease is declined when a token set was committed after this instant. Undefined: it is not. */
  readonly refreshedBeforeMs: number | undefined;
  /**
   * The lease of a forced refresh: declined when another forced refresh began after this instant. Undefined: the
   * refresh is not forced.
   */
  readonly forcedBeforeMs?: number | undefined;
  /**
   * Acquires any dead lease at once, for a caller that cannot present a refresh token that was replaced: the
   * rescue, and a refresh at a provider that does not rotate. @default false
   */
  readonly takesOverAtOnce?: boolean;
  /** Acquires the lease although the last failure says when to try again. @default false */
  readonly ignoresRetryAt?: boolean;
}

export type Acquisition =
  | { readonly kind: "acquired"; readonly connection: Connection }
  /**
   * `connection` shows why: it is leased, its lease ended with an unknown outcome, it failed or was refreshed a
   * moment ago, or it is inactive or expired.
   */
  | { readonly kind: "declined"; readonly connection: Connection }
  | { readonly kind: "absent" };

/** The result of a conditional write. `superseded`: the condition failed; `connection` is what is stored. */
export type WriteResult =
  | { readonly kind: "done" }
  | { readonly kind: "superseded"; readonly connection: Connection }
  | { readonly kind: "absent" };

/** `held`: the version stands, but another caller holds a live lease, and its outcome comes first. */
export type CommitResult = WriteResult | { readonly kind: "held"; readonly connection: Connection };

export interface Committer {
  /** The lease under which the tokens were granted, or are rescued. */
  readonly leaseId: string;
  readonly nowMs: number;
}

export interface TokenSetCommit extends ConnectionKey {
  /** The version that was read. */
  readonly expectedVersion: number;
  /** The version of this token set: {@link nextVersion}, fixed before it was sealed. */
  readonly version: number;
  readonly credentials: SealedTokenSet;
  readonly expiresAtMs: number | undefined;
  /** The end that is assumed where it is unknown. @default none */
  readonly assumedExpiresAtMs?: number | undefined;
  /** Undefined: the stored value stays. */
  readonly refreshTokenExpiresAtMs: number | undefined;
  readonly refreshTokenAbsoluteExpiresAtMs: number | undefined;
  readonly committedAtMs: number;
  /** The status to store, unless the owner has set another since: {@link statusAfterRefresh}. */
  readonly status: ConnectionStatus;
  readonly due: Due | undefined;
  /**
   * The failure that this commit stores beside the token set. Undefined: the connection was refreshed. The
   * rescue queue does not keep it.
   */
  readonly failure?: Failure | undefined;
}

/** When the schedule refreshes a connection, and in which shard of the index it is found. */
export interface Due {
  readonly refreshAtMs: number;
  readonly refreshShard: number;
}

export interface FailureRecord extends ConnectionKey {
  readonly leaseId: string;
  readonly expectedVersion: number;
  readonly failure: Failure;
  /** Undefined: the status stays. A connection that was made `inactive` meanwhile stays so. */
  readonly status: ConnectionStatus | undefined;
  readonly keepLease: boolean;
  readonly schedule: Rescheduling;
}

/** The change to a connection's place in the schedule. */
export type Rescheduling = Due | "unchanged" | "removed";

export interface Postponement extends ConnectionKey {
  readonly expectedVersion: number;
  /** The time at which the connection was due when it was read. */
  readonly refreshAtMs: number;
  readonly nowMs: number;
  readonly schedule: Exclude<Rescheduling, "unchanged">;
  readonly failure: Failure;
}
