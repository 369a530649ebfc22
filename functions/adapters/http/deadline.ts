export interface Deadline {
  /** Rejects with {@link DeadlinePassed}; never resolves. */
  readonly passed: Promise<never>;
  /** Stops the timer, which keeps the process awake. Called when the deadline no longer matters. */
  clear(): void;
}

export class DeadlinePassed extends Error {
  constructor(timeoutMs: number) {
    super(`no end within ${timeoutMs} ms`);
    this.name = "DeadlinePassed";
  }
}

/**
 * A process can be frozen, as a Lambda sandbox is between invocations. When it thaws, its timers are due and
 * the bytes that it waited for are in the socket. Timers run before I/O is polled and immediates after it:
 * bytes that have arrived count as in time.
 * https://nodejs.org/learn/asynchronous-work/event-loop-timers-and-nexttick
 */
export function deadlineIn(timeoutMs: number): Deadline {
  const { promise: passed, reject } = Promise.withResolvers<never>();
  passed.catch(() => {});
  const pass = () => reject(new DeadlinePassed(timeoutMs));
  const timer = setTimeout(() => setImmediate(pass), timeoutMs);
  return { passed, clear: () => clearTimeout(timer) };
}

/** A deadline that passes some time after another one. */
export function deadlineAfter(earlier: Deadline, graceMs: number): Deadline {
  const { promise: passed, reject } = Promise.withResolvers<never>();
  passed.catch(() => {});
  let grace: Deadline | undefined;
  let isCleared = false;
  earlier.passed.catch(() => {
    if (isCleared) return;
    grace = deadlineIn(graceMs);
    grace.passed.catch(reject);
  });
  return {
    passed,
    clear() {
      isCleared = true;
      grace?.clear();
    },
  };
}
