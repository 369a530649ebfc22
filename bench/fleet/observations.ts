import { refreshShards } from "../../functions/domain/schedule/due.ts";
import { Histogram } from "./histogram.ts";
import { type Behaviour, behaviours } from "./integrations.ts";
import { isWithin, type Scenario, type Span } from "./scenario.ts";
import { secondMs } from "./units.ts";

const minuteMs = 60 * secondMs;

export interface Minute {
  /** The number of refreshes that became due in the minute. */
  due: number;
  refreshed: number;
  /** The number of connections with an expired access token at the end of the minute. */
  expired: number;
  /** The number of queued messages at the end of the minute. */
  depth: number;
}

/** The tokens that expired before their refresh, for one reason. */
export interface Expiries {
  readonly reason: ExpiryReason;
  readonly count: number;
  /** The maximum time from a token's expiry to its refresh. */
  readonly longestMs: number;
  /** The time from the end of the fault to the last such refresh. Undefined: none was after it. */
  readonly lastAfterMs: number | undefined;
}

export const expiryReasons = [
  "its provider was down",
  "workers stopped",
  "sweep missing",
  "no outage",
] as const;
export type ExpiryReason = (typeof expiryReasons)[number];

/** The time after the end of a fault in which an expiry is attributed to it. */
const aftermathMs = 90 * minuteMs;
/** The maximum time of a message from due to finished: one that became due within it before a fault is affected. */
const deliveryMs = 2 * minuteMs;

/** The observations of the simulated time. */
export class Observations {
  readonly minutes: Minute[];
  readonly lateness: Readonly<Record<Behaviour, Histogram>>;
  /** The lateness of sound integrations in the hour of the outage. */
  readonly latenessInOutage = new Histogram();
  /** The lateness of refreshes that became due while workers and sweep ran. */
  readonly latenessUndisturbed = new Histogram();
  refreshed = 0;
  peakPerSecond = 0;
  /** The maximum number of refreshes in a second while workers and sweep run. */
  peakPerSecondUndisturbed = 0;
  peakShardWritesPerSecond = 0;
  peakDepth = 0;
  readonly #scenario: Scenario;
  readonly #outage: Span;
  readonly #endMs: number;
  readonly #refreshedInSecond: Float64Array;
  readonly #expiries = expiryReasons.map(() => ({ count: 0, longestMs: 0, lastMs: 0 }));
  readonly #shardWrites = new Int32Array(refreshShards);

  /** @param outage the span of `latenessInOutage` */
  constructor(scenario: Scenario, outage: Span, hours: number) {
    this.#scenario = scenario;
    this.#outage = outage;
    this.#endMs = hours * 60 * minuteMs;
    this.minutes = Array.from({ length: hours * 60 }, () => ({
      ...{ due: 0, refreshed: 0, expired: 0, depth: 0 },
    }));
    this.#refreshedInSecond = new Float64Array(hours * 3_600);
    this.lateness = Object.fromEntries(
      behaviours.map((behaviour) => [behaviour, new Histogram()]),
    ) as Record<Behaviour, Histogram>;
  }

  refreshedAt(behaviour: Behaviour, dueMs: number, endedMs: number, atMs: number): void {
    this.refreshed++;
    const second = Math.floor(atMs / secondMs);
    if (second < this.#refreshedInSecond.length) {
      this.#refreshedInSecond[second] = (this.#refreshedInSecond[second] as number) + 1;
    }
    const minute = this.#minuteOf(atMs);
    if (minute !== undefined) minute.refreshed++;
    const latenessMs = atMs - dueMs;
    this.lateness[behaviour].add(latenessMs);
    if (behaviour === "sound") {
      if (isWithin(this.#outage, dueMs)) this.latenessInOutage.add(latenessMs);
      if (this.#isUndisturbed(dueMs)) this.latenessUndisturbed.add(latenessMs);
    }
    if (endedMs < atMs) this.#expired(behaviour, endedMs, atMs);
  }

  fellDue(atMs: number): void {
    const minute = this.#minuteOf(atMs);
    if (minute !== undefined) minute.due++;
  }

  /** Records a write that moves an index entry. */
  indexWritten(shard: number): void {
    this.#shardWrites[shard] = (this.#shardWrites[shard] as number) + 1;
  }

  /** Records a token that expired and was not refreshed before the end of the simulation. */
  leftExpired(behaviour: Behaviour, endedMs: number): void {
    this.#expired(behaviour, endedMs, this.#endMs);
  }

  secondEnded(second: number, depth: number): void {
    for (let shard = 0; shard < refreshShards; shard++) {
      const writes = this.#shardWrites[shard] as number;
      if (writes > this.peakShardWritesPerSecond) this.peakShardWritesPerSecond = writes;
    }
    this.#shardWrites.fill(0);
    this.peakDepth = Math.max(this.peakDepth, depth);
    const minute = this.#minuteOf(second * secondMs);
    if (minute !== undefined) minute.depth = depth;
  }

  ended(): void {
    for (let i = 1; i < this.minutes.length; i++) {
      (this.minutes[i] as Minute).expired += (this.minutes[i - 1] as Minute).expired;
    }
    for (const [second, refreshed] of this.#refreshedInSecond.entries()) {
      this.peakPerSecond = Math.max(this.peakPerSecond, refreshed);
      if (!this.#isUndisturbed(second * secondMs)) continue;
      this.peakPerSecondUndisturbed = Math.max(this.peakPerSecondUndisturbed, refreshed);
    }
  }

  get expiries(): readonly Expiries[] {
    return this.#expiries.map(({ count, longestMs, lastMs }, i) => {
      const reason = expiryReasons[i] as ExpiryReason;
      const endMs = this.#spanOf(reason)?.untilMs;
      const isOver = endMs !== undefined && lastMs > endMs;
      return { reason, count, longestMs, lastAfterMs: isOver ? lastMs - endMs : undefined };
    });
  }

  #expired(behaviour: Behaviour, endedMs: number, refreshedMs: number): void {
    const [ended, refreshed] = [this.#minuteOf(endedMs), this.#minuteOf(refreshedMs)];
    if (ended !== undefined) ended.expired++;
    if (refreshed !== undefined) refreshed.expired--;
    const expiries = this.#expiries[expiryReasons.indexOf(this.#reason(behaviour, endedMs))];
    if (expiries === undefined) return;
    expiries.count++;
    expiries.longestMs = Math.max(expiries.longestMs, refreshedMs - endedMs);
    expiries.lastMs = Math.max(expiries.lastMs, refreshedMs);
  }

  #reason(behaviour: Behaviour, endedMs: number): ExpiryReason {
    if (behaviour === "failing" && this.#isOf("its provider was down", endedMs)) {
      return "its provider was down";
    }
    const reasons = ["workers stopped", "sweep missing"] as const;
    const reason = reasons.find((one) => this.#isOf(one, endedMs));
    return reason ?? "no outage";
  }

  #isOf(reason: ExpiryReason, atMs: number, beforeMs = 0): boolean {
    const { fromMs, untilMs } = this.#spanOf(reason) ?? { fromMs: 0, untilMs: 0 };
    return atMs >= fromMs - beforeMs && atMs < untilMs + aftermathMs;
  }

  #isUndisturbed(dueMs: number): boolean {
    const reasons = ["workers stopped", "sweep missing"] as const;
    return !reasons.some((reason) => this.#isOf(reason, dueMs, deliveryMs));
  }

  #spanOf(reason: ExpiryReason): Span | undefined {
    const { outage, workersStopped, sweepMissing } = this.#scenario;
    const spans = {
      "its provider was down": outage,
      "workers stopped": workersStopped,
      "sweep missing": sweepMissing,
      "no outage": undefined,
    };
    return spans[reason];
  }

  #minuteOf(atMs: number): Minute | undefined {
    return this.minutes[Math.floor(atMs / minuteMs)];
  }
}
