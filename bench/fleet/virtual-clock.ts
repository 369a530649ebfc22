import type { Clock } from "../../functions/domain/ports/clock.ts";

/** Time that passes only when the model says so. */
export class VirtualClock implements Clock {
  #nowMs = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  set(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** One that can be cut short is a deadline, and nothing here lets one pass. */
  async sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    if (signal === undefined) this.#nowMs += durationMs;
    else await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
}
