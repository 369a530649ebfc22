import type { Clock } from "../../domain/ports/clock.ts";

/** @param isRecent returns true if a read that began at this instant is recent enough */
export type SharedRead<Name, Value> = (
  name: Name,
  isRecent: (beganAtMs: number) => boolean,
) => Promise<Value>;

interface ReadUnderWay<Value> {
  readonly beganAtMs: number;
  readonly value: Promise<Value>;
}

/**
 * Shares one read of a name among concurrent callers. A caller that needs a read that began later shares the
 * next one: the current read may have passed before the write that the caller wants to see.
 *
 *     first    ├── read ──┤
 *     second      ├ joins ┤
 *     forced        ├┄┄┄┄┄┼── next read ──┤
 *     forced           ├┄┄┄  joins next ──┤
 */
export function sharedReads<Name, Value>(
  clock: Pick<Clock, "nowMs">,
  read: (name: Name) => Promise<Value>,
): SharedRead<Name, Value> {
  const underWay = new Map<Name, ReadUnderWay<Value>>();
  const queued = new Map<Name, Promise<Value>>();

  const begin = (name: Name): Promise<Value> => {
    const beganAtMs = clock.nowMs();
    const value = read(name).finally(() => underWay.delete(name));
    underWay.set(name, { beganAtMs, value });
    return value;
  };
  const beginAfter = (name: Name, current: Promise<Value>): Promise<Value> => {
    const ended = current.then(
      () => undefined,
      () => undefined,
    );
    const next = ended.then(() => {
      queued.delete(name);
      return underWay.get(name)?.value ?? begin(name);
    });
    queued.set(name, next);
    return next;
  };

  return (name, isRecent) => {
    const current = underWay.get(name);
    if (current === undefined) return begin(name);
    if (isRecent(current.beganAtMs)) return current.value;
    return queued.get(name) ?? beginAfter(name, current.value);
  };
}
