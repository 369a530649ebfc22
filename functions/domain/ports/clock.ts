/** Time. Durations and instants are milliseconds; instants count from the Unix epoch. */
export interface Clock {
  nowMs(): number;
  /** Resolves after the duration, or as soon as `signal` is aborted. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

/** The process that a call runs in may be ended; this says how long it has. */
export interface Invocation {
  remainingMs(): number;
}
