export interface Deadline {
  /** Rejects with {@link DeadlinePassed}; never resolves. */
  readonly passed: Promise<never>;
  /** To be called when the deadline no longer matters: it keeps the process awake until then. */
  clear(): void;
}

export class DeadlinePassed extends Error {
  constructor(timeoutMs: number) {
    super(`nothing within ${timeoutMs} ms`);
    this.name = "DeadlinePassed";
  }
}

/**
 * A process can be frozen (a Lambda sandbox is, between invocations) and find its timers due when it
 * thaws, while the bytes it waited for lie in the socket. Timers run before I/O is polled and
 * immediates after it, so that what has already arrived counts as in time.
 * https://nodejs.org/learn/asynchronous-work/event-loop-timers-and-nexttick
 */
export function deadlineIn(timeoutMs: number): Deadline {
  const { promise: passed, reject } = Promise.withResolvers<never>();
  passed.catch(() => {});
  const pass = () => reject(new DeadlinePassed(timeoutMs));
  const timer = setTimeout(() => setImmediate(pass), timeoutMs);
  return { passed, clear: () => clearTimeout(timer) };
}
