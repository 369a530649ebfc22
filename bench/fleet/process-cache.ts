/** Counts the reads of a process that caches one value for each integration. */
export class ProcessCache {
  readonly #readAtMs: Int32Array;
  readonly #maximumAgeMs: number;
  reads = 0;

  constructor(integrations: number, maximumAgeMs: number) {
    this.#readAtMs = new Int32Array(integrations).fill(-maximumAgeMs);
    this.#maximumAgeMs = maximumAgeMs;
  }

  use(integration: number, nowMs: number): void {
    if (nowMs - (this.#readAtMs[integration] as number) < this.#maximumAgeMs) return;
    this.#readAtMs[integration] = nowMs;
    this.reads++;
  }
}
