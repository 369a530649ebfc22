import { secondMs } from "./units.ts";

const seconds = 4 * 3_600;

export interface Spread {
  readonly count: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maximumMs: number;
}

/** A histogram of durations to the second. Durations above four hours count as four hours. */
export class Histogram {
  readonly #counts = new Float64Array(seconds + 1);
  #total = 0;
  #maximumMs = 0;

  add(durationMs: number): void {
    const second = Math.min(Math.max(0, Math.ceil(durationMs / secondMs)), seconds);
    this.#counts[second] = (this.#counts[second] as number) + 1;
    this.#total++;
    if (durationMs > this.#maximumMs) this.#maximumMs = durationMs;
  }

  get spread(): Spread {
    return {
      count: this.#total,
      medianMs: this.#quantileMs(0.5),
      p99Ms: this.#quantileMs(0.99),
      p999Ms: this.#quantileMs(0.999),
      maximumMs: this.#maximumMs,
    };
  }

  /** Nearest rank, rounded up to the second. */
  #quantileMs(fraction: number): number {
    const rank = Math.max(1, Math.ceil(fraction * this.#total));
    let seen = 0;
    for (const [second, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank) return Math.min(second * secondMs, this.#maximumMs);
    }
    return this.#maximumMs;
  }
}
