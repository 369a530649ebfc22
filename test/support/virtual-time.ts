import type { Clock } from "../../functions/domain/ports/clock.ts";

interface Sleeper {
  readonly wakesAtMs: number;
  readonly wake: () => void;
}

/** Time that moves only when everybody sleeps, and then to the next one who wakes. */
export interface VirtualTime extends Clock {
  /** Runs until a promise settles. @throws when it cannot: nobody sleeps any more */
  runUntil<Value>(promise: Promise<Value>): Promise<Value>;
}

export function virtualTime(startMs: number): VirtualTime {
  let nowMs = startMs;
  const sleepers = new Set<Sleeper>();

  const sleep = (durationMs: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const sleeper = {
        wakesAtMs: nowMs + Math.max(0, durationMs),
        wake: () => {
          sleepers.delete(sleeper);
          resolve();
        },
      };
      sleepers.add(sleeper);
      signal?.addEventListener("abort", sleeper.wake, { once: true });
    });

  const next = (): Sleeper | undefined =>
    [...sleepers].reduce<Sleeper | undefined>(
      (first, one) => (first === undefined || one.wakesAtMs < first.wakesAtMs ? one : first),
      undefined,
    );

  return {
    nowMs: () => nowMs,
    sleep,
    async runUntil(promise) {
      let isSettled = false;
      const settled = promise.finally(() => {
        isSettled = true;
      });
      settled.catch(() => {});
      for (;;) {
        // All that can go on without time goes on first.
        await new Promise((resolve) => setImmediate(resolve));
        if (isSettled) return settled;
        const sleeper = next();
        if (sleeper === undefined) throw new Error("nobody sleeps, and the promise is not settled");
        nowMs = Math.max(nowMs, sleeper.wakesAtMs);
        sleeper.wake();
      }
    },
  };
}
