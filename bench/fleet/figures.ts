import type { StoreRequests } from "./fleet.ts";
import type { Spread } from "./histogram.ts";
import type { Behaviour } from "./integrations.ts";
import type { Expiries, Minute } from "./observations.ts";
import type { SweepRequests } from "./sweep-tables.ts";

/** The result of a simulation: plain data, the same for the same options. */
export interface Figures {
  readonly connections: number;
  readonly hours: number;
  readonly integrations: number;
  readonly seed: number;
  readonly sweepers: number;
  readonly maximumConcurrency: number;
  readonly batchSize: number;

  readonly minutes: readonly Minute[];
  readonly refreshed: number;
  readonly peakPerSecond: number;
  readonly peakPerSecondUndisturbed: number;
  readonly expiries: readonly Expiries[];
  /** The time from a refresh's scheduled time to its end. */
  readonly lateness: Readonly<Record<Behaviour, Spread>>;
  /** The lateness of sound integrations in the hour of the outage. */
  readonly latenessInOutage: Spread;
  /** The lateness of sound integrations while workers and sweep run. */
  readonly latenessUndisturbed: Spread;

  readonly enqueued: number;
  readonly peakDepth: number;
  /** The maximum ratio of queued to due connections while the workers were stopped. 0: they never were. */
  readonly queueOverDue: number;
  /** The number of writes that move an index entry, in the busiest second of the busiest shard. */
  readonly peakShardWritesPerSecond: number;

  readonly invocations: number;
  readonly invocationSeconds: number;
  readonly peakConcurrency: number;
  readonly storeRequests: StoreRequests;
  readonly sweepRequests: SweepRequests;
  readonly holdWrites: number;
  readonly holdReads: number;
  readonly registrationReads: number;
  /** The number of domain events by code: event-counts.ts. */
  readonly events: Readonly<Record<string, number>>;
}
