import type { ConnectionKey, Lease } from "../model/connection.ts";

/** A connection that is due, as the index has it. */
export interface DueConnection extends ConnectionKey {
  readonly integration: string;
  /** When the index has it due. A message that names another time is out of date. */
  readonly refreshAtMs: number;
}

/** The queue from the sweep to the workers. A message is a hint that may be lost or come twice: the index is the truth. */
export interface RefreshQueue {
  /**
   * @returns the connections that the queue did not take, after retries
   * @throws {StoreUnavailable} the queue took none for now; any other error says why it takes none at all
   */
  enqueue(due: readonly DueConnection[]): Promise<readonly DueConnection[]>;
  /** How many messages are waiting, delayed or in flight; approximate. @throws {StoreUnavailable} */
  depth(): Promise<number>;
}

/** Connections by the time at which they are due. Eventually consistent. */
export interface DueIndex {
  /** Connections that are due, in the order of time. @throws {StoreUnavailable} */
  page(request: DuePageRequest): Promise<DuePage>;
  /** How many are due up to an instant. @throws {StoreUnavailable} */
  count(refreshShard: number, throughMs: number): Promise<number>;
}

export interface DuePageRequest {
  readonly refreshShard: number;
  /** Exclusive; undefined: from the beginning. */
  readonly after: SweepPosition | undefined;
  /** Inclusive. */
  readonly throughMs: number;
  readonly limit: number;
}

export interface DuePage {
  readonly due: readonly DueConnection[];
  /** Undefined: there is no more up to `throughMs`. */
  readonly next: SweepPosition | undefined;
}

/** How far a shard has been swept: all seconds before, and in that second up to the connection. */
export interface SweepPosition {
  /** A whole second. */
  readonly refreshAtMs: number;
  /** The key in the index, which need not be a valid connection id. Undefined: all of that second. */
  readonly connectionId: string | undefined;
}

/** How far each shard of the due index has been swept, and the claim of the sweep that is at it. */
export interface SweepPositions {
  /**
   * Undefined: another sweep has claimed the shard.
   * @throws {StoreUnavailable}
   */
  claim(refreshShard: number, lease: Lease, nowMs: number): Promise<ClaimedShard | undefined>;
  /** False: the claim has been lost. @throws {StoreUnavailable} */
  advance(refreshShard: number, leaseId: string, position: SweepPosition): Promise<boolean>;
  /** Ends the claim, if it still stands, and stores the position that was reached. @throws {StoreUnavailable} */
  release(
    refreshShard: number,
    leaseId: string,
    position: SweepPosition | undefined,
  ): Promise<void>;
  /** How far the shard has been swept. @throws {StoreUnavailable} */
  position(refreshShard: number): Promise<SweepPosition | undefined>;
  /** True for one caller in every `intervalMs`. @throws {StoreUnavailable} */
  claimCatchUp(nowMs: number, intervalMs: number): Promise<boolean>;
}

export interface ClaimedShard {
  readonly position: SweepPosition | undefined;
}
