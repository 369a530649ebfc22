import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../domain/ports/clock.ts";

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  async sleep(durationMs, signal) {
    try {
      await sleep(durationMs, undefined, signal && { signal });
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
  },
};
