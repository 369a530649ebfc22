import { StoreUnavailable } from "../../domain/model/errors.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import { lruMap } from "../cache/lru-map.ts";
import { KeyDeclined } from "./decrypt.ts";

export interface OutageCacheOptions {
  readonly clock: Pick<Clock, "nowMs">;
  /** How long a value is used before it is loaded again. */
  readonly maxAgeMs: number;
  /** How long a value is used while it cannot be loaded again, counted from its load. */
  readonly outageMaxAgeMs: number;
  /** The least recently used value is evicted. */
  readonly maximumEntries: number;
}

export interface OutageCache<Value> {
  /**
   * The value, loaded if it is absent or too old. Callers at the same time share one load.
   * @throws the error of the load, unless an older value may still be used
   */
  get(name: string, load: () => Promise<Value>): Promise<Value>;
  /** The value that may be used during an outage. */
  peek(name: string): Value | undefined;
}

interface Entry<Value> {
  readonly value: Value;
  readonly loadedAtMs: number;
  /** When it is loaded again. */
  dueAtMs: number;
}

/** How often a value is loaded again during an outage, so that not every caller waits for a timeout. */
export const outagePauseMs = 30_000;

/**
 * Values that outlast an outage of the service that they come from. A refusal of the service ends a value at once,
 * since an operator has then taken the key away on purpose.
 */
export function outageCache<Value>(options: OutageCacheOptions): OutageCache<Value> {
  const { clock, maxAgeMs, outageMaxAgeMs, maximumEntries } = options;
  const entries = lruMap<string, Entry<Value>>(maximumEntries);
  const loading = new Map<string, Promise<Value>>();

  const servesInOutage = (entry: Entry<Value> | undefined): entry is Entry<Value> =>
    entry !== undefined && clock.nowMs() - entry.loadedAtMs < outageMaxAgeMs;

  const loadOnce = (name: string, load: () => Promise<Value>): Promise<Value> => {
    const current = loading.get(name);
    if (current !== undefined) return current;
    const loadedAtMs = clock.nowMs();
    const value = load().finally(() => loading.delete(name));
    loading.set(name, value);
    value.then(
      (loaded) => entries.set(name, { value: loaded, loadedAtMs, dueAtMs: loadedAtMs + maxAgeMs }),
      () => undefined,
    );
    return value;
  };

  return {
    async get(name, load) {
      const entry = entries.get(name);
      if (entry !== undefined && clock.nowMs() < entry.dueAtMs) return entry.value;
      try {
        return await loadOnce(name, load);
      } catch (error) {
        if (!isOutage(error) || !servesInOutage(entry)) {
          if (error instanceof KeyDeclined) entries.delete(name);
          throw error;
        }
        entry.dueAtMs = Math.min(clock.nowMs() + outagePauseMs, entry.loadedAtMs + outageMaxAgeMs);
        return entry.value;
      }
    },
    peek(name) {
      const entry = entries.get(name);
      return servesInOutage(entry) ? entry.value : undefined;
    },
  };
}

export const isOutage = (error: unknown): boolean =>
  error instanceof StoreUnavailable && !(error instanceof KeyDeclined);
