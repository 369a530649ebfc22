import type { Clock } from "../../functions/domain/ports/clock.ts";

/** A clock that the simulation sets. */
export class VirtualClock implements Clock {
  #nowMs = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  set(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** A sleep that can be aborted is a deadline. No deadline passes in the simulation. */
  async sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    if (signal === undefined) this.#nowMs += durationMs;
    else await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
}
