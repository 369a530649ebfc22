import type { Clock } from "../ports/clock.ts";

/**
 * What comes of a promise within a duration; undefined when nothing does. A rejection in time is the
 * caller's, a later one nobody's.
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
