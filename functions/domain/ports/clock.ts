/** Time. Durations and instants are milliseconds; instants count from the Unix epoch. */
export interface Clock {
  nowMs(): number;
  /** Resolves after the duration, or as soon as `signal` is aborted. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

/** The function invocation that a call runs in. The process may be stopped once its time is over. */
export interface Invocation {
  remainingMs(): number;
}
