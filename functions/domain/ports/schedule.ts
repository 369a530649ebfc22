import type { ConnectionKey, Lease } from "../model/connection.ts";

/** A connection that the index says is due, as far as the index knows it. */
export interface DueConnection extends ConnectionKey {
  readonly integration: string;
  /** As the index has it: a message for another time is out of date. */
  readonly refreshAtMs: number;
}

/** Where the sweep puts what is due, for workers. A hint that may be lost or delivered twice: the index is the truth. */
export interface RefreshQueue {
  /**
   * @returns those that the queue did not take, after retries
   * @throws {StoreUnavailable} it took none for now; whatever else is thrown says why it takes none at all
   */
  enqueue(due: readonly DueConnection[]): Promise<readonly DueConnection[]>;
  /** Messages that wait, are delayed or are being worked on; approximate. @throws {StoreUnavailable} */
  depth(): Promise<number>;
}

/** Connections by the time at which they are due. Eventually consistent. */
export interface DueIndex {
  /** In the order of time. @throws {StoreUnavailable} */
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

/** How far a shard has been swept: everything before, and of that second up to the connection. */
export interface SweepPosition {
  /** A whole second. */
  readonly refreshAtMs: number;
  /** As the index has it, whether it is the name of a connection or not. Undefined: the whole of that second. */
  readonly connectionId: string | undefined;
}

/** How far each shard of the due index has been swept, and who sweeps it now. */
export interface SweepPositions {
  /**
   * Undefined: somebody else sweeps the shard.
   * @throws {StoreUnavailable}
   */
  claim(refreshShard: number, lease: Lease, nowMs: number): Promise<ClaimedShard | undefined>;
  /** False: the claim has been lost. @throws {StoreUnavailable} */
  advance(refreshShard: number, leaseId: string, position: SweepPosition): Promise<boolean>;
  /** Ends the claim, if it still stands, at the position that was reached. @throws {StoreUnavailable} */
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
