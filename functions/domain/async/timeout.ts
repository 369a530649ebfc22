import type { Clock } from "../ports/clock.ts";

/**
 * Waits for a promise for a duration. Undefined: it did not settle in time. A rejection in time rejects; a
 * later one is ignored.
 */
export async function withTimeout<Value>(
  clock: Pick<Clock, "sleep">,
  durationMs: number,
  promise: Promise<Value>,
): Promise<{ readonly value: Value } | undefined> {
  const waiting = new AbortController();
  const late = clock.sleep(Math.max(0, durationMs), waiting.signal).then(() => undefined);
  try {
    return await Promise.race([promise.then((value) => ({ value })), late]);
  } finally {
    waiting.abort();
  }
}
