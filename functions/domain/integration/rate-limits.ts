import type { Permit, PermitRequest } from "../ports/integration.ts";

/** The recent requests of one registration. */
export interface LimitState {
  /** When each permit ends, by its id. */
  readonly holders: Readonly<Record<string, number>>;
  /** How many requests were begun in each second, by the second's number. */
  readonly starts: Readonly<Record<string, number>>;
}

export const noRequests: LimitState = { holders: {}, starts: {} };

const spanMs = 1_000;
const minuteMs = 60_000;
/** A place becomes free within moments where only the number of concurrent requests is limited. */
const placeFreeInMs = 500;

/**
 * Decides whether one more request may begin, and returns the state after it. A second counts until all of
 * it is more than a minute ago, so that no minute, wherever it begins, has more requests than are allowed.
 */
export function nextPermit(
  state: LimitState,
  { permitId, maxConcurrent, maxPerMinute, nowMs, expiresAtMs }: PermitRequest,
): { readonly permit: Permit; readonly state: LimitState } {
  const holders = Object.fromEntries(
    Object.entries(state.holders).filter(([, untilMs]) => untilMs > nowMs),
  );
  const spans = Object.entries(state.starts).filter(([span]) => endsCountingMs(span) > nowMs);
  const busy = (retryAtMs: number) => ({ permit: { kind: "busy", retryAtMs } as const, state });

  // This permit was taken before, by a request whose response was lost.
  if (permitId in holders) return { permit: { kind: "granted" }, state };
  if (maxConcurrent !== undefined && Object.keys(holders).length >= maxConcurrent) {
    return busy(nowMs + placeFreeInMs);
  }
  const begun = spans.reduce((sum, [, count]) => sum + count, 0);
  if (maxPerMinute !== undefined && begun >= maxPerMinute) {
    return busy(Math.min(...spans.map(([span]) => endsCountingMs(span))));
  }
  const span = String(Math.floor(nowMs / spanMs));
  const starts = Object.fromEntries(spans);
  return {
    permit: { kind: "granted" },
    state: {
      holders: maxConcurrent === undefined ? {} : { ...holders, [permitId]: expiresAtMs },
      starts: maxPerMinute === undefined ? {} : { ...starts, [span]: (starts[span] ?? 0) + 1 },
    },
  };
}

const endsCountingMs = (span: string): number => (Number(span) + 1) * spanMs + minuteMs;
