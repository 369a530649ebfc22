import type { StoreRequests } from "./fleet.ts";
import type { Spread } from "./histogram.ts";
import type { Behaviour } from "./integrations.ts";
import type { Expiries, Minute } from "./observations.ts";
import type { SweepRequests } from "./sweep-tables.ts";

/** What a simulation comes to: plain data, the same for the same options. */
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
  /** From the time for which a refresh was scheduled to its end. */
  readonly lateness: Readonly<Record<Behaviour, Spread>>;
  /** Of sound integrations, in the hour of the outage. */
  readonly latenessInOutage: Spread;
  /** Of sound integrations, while workers and sweep are there. */
  readonly latenessUndisturbed: Spread;

  readonly enqueued: number;
  readonly peakDepth: number;
  /** The most that the queue held, over what was due then, while the workers stood still; 0: they did not. */
  readonly queueOverDue: number;
  /** Writes that move an entry of the index, in the busiest second of the busiest shard. */
  readonly peakShardWritesPerSecond: number;

  readonly invocations: number;
  readonly invocationSeconds: number;
  readonly peakConcurrency: number;
  readonly storeRequests: StoreRequests;
  readonly sweepRequests: SweepRequests;
  readonly holdWrites: number;
  readonly holdReads: number;
  readonly registrationReads: number;
  /** How often the domain told of what; holds by registration too. */
  readonly events: Readonly<Record<string, number>>;
}
