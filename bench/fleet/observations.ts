import { refreshShards } from "../../functions/domain/schedule/due.ts";
import { Histogram } from "./histogram.ts";
import { type Behaviour, behaviours } from "./integrations.ts";
import { isWithin, type Scenario, type Span } from "./scenario.ts";
import { secondMs } from "./units.ts";

const minuteMs = 60 * secondMs;

export interface Minute {
  /** Refreshes that fell due in it. */
  due: number;
  refreshed: number;
  /** Connections whose access token has ended, at its end. */
  expired: number;
  /** Messages that wait, at its end. */
  depth: number;
}

/** Tokens that ended before their refresh, for one reason. */
export interface Expiries {
  readonly reason: ExpiryReason;
  readonly count: number;
  /** From a token's end to its refresh. */
  readonly longestMs: number;
  /** After the trouble's end; undefined: never after it. */
  readonly lastAfterMs: number | undefined;
}

export const expiryReasons = [
  "its provider was down",
  "workers stopped",
  "sweep missing",
  "no outage",
] as const;
export type ExpiryReason = (typeof expiryReasons)[number];

/** How long after a trouble's end an expiry is still its consequence. */
const aftermathMs = 90 * minuteMs;
/** What fell due this shortly before a trouble was still on its way when that began. */
const deliveryMs = 2 * minuteMs;

/** What happened in the simulated time. */
export class Observations {
  readonly minutes: Minute[];
  readonly lateness: Readonly<Record<Behaviour, Histogram>>;
  /** Of sound integrations, while one provider is down, or would be. */
  readonly latenessInOutage = new Histogram();
  /** Of refreshes that did not fall due around a trouble with workers or sweep. */
  readonly latenessUndisturbed = new Histogram();
  refreshed = 0;
  peakPerSecond = 0;
  /** In a second that is not around a trouble with workers or sweep. */
  peakPerSecondUndisturbed = 0;
  peakShardWritesPerSecond = 0;
  peakDepth = 0;
  readonly #scenario: Scenario;
  readonly #outage: Span;
  readonly #endMs: number;
  readonly #refreshedInSecond: Float64Array;
  readonly #expiries = expiryReasons.map(() => ({ count: 0, longestMs: 0, lastMs: 0 }));
  readonly #shardWrites = new Int32Array(refreshShards);

  /** @param outage the span in which the lateness of the others is looked at */
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

  /** A write that moves an entry of the index. */
  indexWritten(shard: number): void {
    this.#shardWrites[shard] = (this.#shardWrites[shard] as number) + 1;
  }

  /** Of a connection whose token has ended and is not refreshed when the simulation ends. */
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
