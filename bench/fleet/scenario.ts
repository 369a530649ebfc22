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

/** What goes wrong in the simulated day, and when; instants count from its beginning. */
export interface Scenario {
  /** Whether providers behave as their integration's behaviour says, or all of them soundly. */
  readonly isTroubled: boolean;
  /** The provider of one integration answers 503, or not at all. */
  readonly outage: Span;
  /** A hundredth of the fleet, 100,000 at the most, is imported in one second. */
  readonly importAtMs: number;
  /** No worker takes a message. */
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

/** The same hours without any of it, to compare with. */
export const calmDay: Scenario = {
  isTroubled: false,
  outage: never,
  importAtMs: Number.POSITIVE_INFINITY,
  workersStopped: never,
  sweepMissing: never,
};

export const isWithin = ({ fromMs, untilMs }: Span, atMs: number): boolean =>
  atMs >= fromMs && atMs < untilMs;

/** Once an hour a provider takes half of what it is asked, for three minutes. */
export const isThrottling = (atMs: number): boolean =>
  isWithin(span(20 * minuteMs, 3 * minuteMs), atMs % hourMs);
