import {
  defaultGiveUpAfterSeconds,
  defaultSweepIntervalSeconds,
} from "../../functions/domain/schedule/due.ts";
import { type Sweep, sweep } from "../../functions/domain/sweep.ts";
import { SharedTrouble } from "../../test/support/shared-trouble.ts";
import { eventCounts } from "./event-counts.ts";
import type { Figures } from "./figures.ts";
import { Fleet } from "./fleet.ts";
import type { Spread } from "./histogram.ts";
import { type Behaviour, integrationsOf } from "./integrations.ts";
import { MessageQueue } from "./message-queue.ts";
import { Observations } from "./observations.ts";
import { providers } from "./providers.ts";
import { seededRandom } from "./random.ts";
import { isWithin, type Scenario, troubledDay } from "./scenario.ts";
import { sharedLimits } from "./shared-limits.ts";
import { SweepTables } from "./sweep-tables.ts";
import { secondMs, secondsPerHour } from "./units.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { WorkerPool } from "./worker-pool.ts";
import { holdMaximumAgeMs } from "./worker-process.ts";

export interface SimulationOptions {
  readonly connections: number;
  readonly hours: number;
  readonly seed: number;
  readonly scenario: Scenario;
  /** The maximum number of concurrent worker invocations. */
  readonly maximumConcurrency: number;
  /** The maximum number of messages in an invocation, which handles them concurrently. */
  readonly batchSize: number;
  /** The number of functions that each sweep a slice of the shards. */
  readonly sweepers: number;
  /** Called at each simulated hour. */
  readonly progress?: (hour: number) => void;
}

/** The number of shards that one sweep function handles at a time. */
const sweptAtATime = 16;
/** The messages that one sweep function sends in a second. */
const sentPerSecond = 10_000;
const importShare = 0.01;
const largestImport = 100_000;
const schedule = {
  sweepIntervalMs: defaultSweepIntervalSeconds * secondMs,
  giveUpAfterMs: defaultGiveUpAfterSeconds * secondMs,
};

/** Runs the fleet, second by second. The same options give the same result. */
export async function simulate(options: SimulationOptions): Promise<Figures> {
  const { connections, hours, scenario } = options;
  const random = seededRandom(options.seed);
  const clock = new VirtualClock();
  const events = eventCounts();
  const observations = new Observations(scenario, troubledDay.outage, hours);
  const integrations = integrationsOf(connections);
  const fleet = new Fleet({ integrations, hours, observations, random, schedule });
  const trouble = new SharedTrouble(clock, holdMaximumAgeMs);
  const workers = new WorkerPool(options, {
    ...{ fleet, trouble, clock, random, schedule },
    providers: providers(scenario, random),
    limits: sharedLimits(),
    telemetry: events.telemetry,
  });
  const queue = new MessageQueue({
    integrations: integrations.length,
    integrationOf: (connection) => fleet.integrationNumber(connection),
    shardOf: (connection) => fleet.calendar.shardOf(connection),
    shardsAtATime: sweptAtATime * options.sweepers,
    inFlight: () => workers.inFlight(clock.nowMs()),
  });
  const tables = new SweepTables(fleet.calendar);
  const sweepAll = sweep({
    ...{ index: tables.index, positions: tables.positions, queue, clock, random },
    telemetry: events.telemetry,
    newLeaseId: () => "sweep",
  });
  const imported = Math.min(largestImport, Math.floor(connections * importShare));
  for (let connection = imported; connection < connections; connection++) fleet.begin(connection);

  const result = { enqueued: 0, queueOverDue: 0 };
  for (let second = 0; second < hours * secondsPerHour; second++) {
    const nowMs = second * secondMs;
    clock.set(nowMs);
    if (nowMs === scenario.importAtMs) {
      for (let connection = 0; connection < imported; connection++) fleet.import(connection, nowMs);
    }
    const isSweepDue = nowMs % schedule.sweepIntervalMs === 0;
    if (isSweepDue && !isWithin(scenario.sweepMissing, nowMs)) {
      result.enqueued += await sweepSlices(sweepAll, options.sweepers);
      if (isWithin(scenario.workersStopped, nowMs)) {
        const due = await tables.dueThrough(nowMs);
        result.queueOverDue = Math.max(result.queueOverDue, (await queue.depth()) / due);
      }
    }
    queue.arrive(sentPerSecond * options.sweepers);
    if (!isWithin(scenario.workersStopped, nowMs)) await workers.work(queue, nowMs);
    observations.secondEnded(second, queue.length);
    if (second % secondsPerHour === 0) options.progress?.(second / secondsPerHour);
  }
  recordLeftExpired(fleet, observations, hours * secondsPerHour * secondMs);
  observations.ended();
  return {
    ...{ connections, hours, seed: options.seed, sweepers: options.sweepers },
    ...{ maximumConcurrency: options.maximumConcurrency, batchSize: options.batchSize },
    integrations: integrations.length,
    ...observedFigures(observations),
    ...{ invocations: workers.invocations, peakConcurrency: workers.peakConcurrency },
    invocationSeconds: workers.durationMs / secondMs,
    ...{ enqueued: result.enqueued, queueOverDue: result.queueOverDue },
    storeRequests: fleet.requests,
    sweepRequests: tables.requests,
    holdWrites: trouble.writes,
    holdReads: workers.reads.holds,
    registrationReads: workers.reads.registrations,
    events: Object.fromEntries(events.counts),
  };
}

function observedFigures(observations: Observations) {
  const { minutes, refreshed, peakPerSecond, peakPerSecondUndisturbed, peakDepth } = observations;
  const { peakShardWritesPerSecond, expiries } = observations;
  const byBehaviour = Object.entries(observations.lateness);
  return {
    ...{ minutes, refreshed, peakPerSecond, peakPerSecondUndisturbed, peakDepth, expiries },
    peakShardWritesPerSecond,
    lateness: Object.fromEntries(
      byBehaviour.map(([behaviour, { spread }]) => [behaviour, spread]),
    ) as Record<Behaviour, Spread>,
    latenessInOutage: observations.latenessInOutage.spread,
    latenessUndisturbed: observations.latenessUndisturbed.spread,
  };
}

async function sweepSlices(sweepSlice: Sweep, of: number): Promise<number> {
  let enqueued = 0;
  const invocation = { remainingMs: () => 60 * secondMs };
  for (let index = 0; index < of; index++) {
    const swept = await sweepSlice({ slice: { index, of }, invocation });
    enqueued += swept.enqueued + swept.caughtUp;
  }
  return enqueued;
}

function recordLeftExpired(fleet: Fleet, observations: Observations, endMs: number): void {
  for (let connection = 0; connection < fleet.size; connection++) {
    const endedMs = fleet.calendar.expiresAtMs(connection);
    const isInUse = fleet.calendar.refreshAtMs(connection) !== undefined;
    if (isInUse && endedMs < endMs) {
      observations.leftExpired(fleet.integrationOf(connection).behaviour, endedMs);
    }
  }
}
