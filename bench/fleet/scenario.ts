import { secondMs } from "./units.ts";

const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

const span = (fromMs: number, durationMs: number): Span => ({
  fromMs,
  untilMs: fromMs + durationMs,
});

/** The faults of the simulated day. Instants count from its beginning. */
export interface Scenario {
  /** True if providers have their integration's behaviour. False: all are sound. */
  readonly isTroubled: boolean;
  /** The provider of one integration responds with 503, or never. */
  readonly outage: Span;
  /** A hundredth of the fleet, at most 100,000 connections, is imported in one second. */
  readonly importAtMs: number;
  /** No worker receives a message. */
  readonly workersStopped: Span;
  /** No sweep is invoked. */
  readonly sweepMissing: Span;
}

export const troubledDay: Scenario = {
  isTroubled: true,
  outage: span(2 * hourMs, hourMs),
  importAtMs: 6 * hourMs,
  workersStopped: span(10 * hourMs, 30 * minuteMs),
  sweepMissing: span(15 * hourMs, 10 * minuteMs),
};

const never = { fromMs: Number.POSITIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY };

/** The same hours without faults, for comparison. */
export const calmDay: Scenario = {
  isTroubled: false,
  outage: never,
  importAtMs: Number.POSITIVE_INFINITY,
  workersStopped: never,
  sweepMissing: never,
};

export const isWithin = ({ fromMs, untilMs }: Span, atMs: number): boolean =>
  atMs >= fromMs && atMs < untilMs;

/** Returns true for three minutes of each hour. */
export const isThrottling = (atMs: number): boolean =>
  isWithin(span(20 * minuteMs, 3 * minuteMs), atMs % hourMs);
