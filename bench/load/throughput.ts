import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { sum } from "../statistics.ts";
import type { Subject } from "../subjects.ts";
import type { BareConnection, BareWork } from "./bare-loop.ts";
import { type Child, startChild } from "./children.ts";
import { type FleetConnection, seedFleet } from "./fleet.ts";
import { runSweep, startFunction, sweepPlan, workerPlan } from "./functions.ts";
import { depthOf, type LoadEnvironment, startEnvironment } from "./load-environment.ts";
import { type ProviderCounts, strict } from "./provider-behaviour.ts";

export interface ThroughputOptions {
  readonly connections: number;
  readonly dynamoDbEndpoint: string | undefined;
  readonly worker: Subject;
  readonly sweep: Subject;
  /** The number of batches of ten that one process handles at a time. */
  readonly batchesAtATime: number;
  /** The latency of the provider. */
  readonly responseDelayMs: number;
  /** The Node.js options of the workers. */
  readonly execArgv: readonly string[];
}

/** The measurements of one subject. */
export interface Measured {
  readonly refreshes: number;
  readonly seconds: number;
  /** The CPU time of all processes that refresh. */
  readonly cpuMs: number;
  /** The CPU time of the other processes without the parent, by name. */
  readonly othersCpuMs: Readonly<Record<string, number>>;
}

export interface Throughput {
  readonly service: Measured;
  readonly bare: Measured;
  readonly processes: number;
  /** The concurrent refreshes in each process. */
  readonly concurrency: number;
}

/** The subjects alternate, so that a busy moment of the machine affects both. */
const rounds = 5;
const warmUps = 400;
const processes = availableParallelism();
const batchSize = 10;

/** Compares the service with the bare loop on one machine. Each has as many processes as there are cores. */
export async function measureThroughput(options: ThroughputOptions): Promise<Throughput> {
  const environment = await startEnvironment(options);
  try {
    const { responseDelayMs, batchesAtATime } = options;
    const concurrency = batchSize * batchesAtATime;
    await environment.provider.call("behave", { ...strict, responseDelayMs });
    const service = await startService(environment, options);
    const loops = await Promise.all(
      Array.from({ length: processes }, () =>
        startChild<undefined>("bare-loop.ts", { env: environment.variables }),
      ),
    );
    await service.warmUp(warmUps);
    const bareRound = (name: string, count: number): Promise<Measured> =>
      measureBare({ environment, loops, concurrency }, name, count);
    await bareRound("warm", warmUps);
    const size = Math.ceil(options.connections / rounds);
    const measured: { readonly service: Measured; readonly bare: Measured }[] = [];
    for (let round = 0; round < rounds; round++) {
      measured.push({
        service: await service.round(`${round}`, size),
        bare: await bareRound(`${round}`, size),
      });
    }
    await service.stop();
    return {
      service: total(measured.map((one) => one.service)),
      bare: total(measured.map((one) => one.bare)),
      processes,
      concurrency,
    };
  } finally {
    await environment.close();
  }
}

async function startService(
  environment: LoadEnvironment,
  { worker, sweep, batchesAtATime, execArgv }: ThroughputOptions,
) {
  const sweeping = await startFunction(environment, sweepPlan(sweep));
  const workers = await Promise.all(
    Array.from({ length: processes }, () =>
      startFunction(environment, workerPlan(environment, worker, batchesAtATime), { execArgv }),
    ),
  );
  const seedDue = async (name: string, count: number): Promise<void> => {
    await seedFleet(environment, { name: `s${name}`, count, refreshAtMs: Date.now() });
    // A sweep covers whole seconds: this one is after the last sweep's, and has to end before the next.
    await sleep(1_000);
  };
  return {
    /** Sweeps until every connection is refreshed: a cold process on a busy machine may postpone some. */
    async warmUp(count: number): Promise<void> {
      await seedDue("warm", count);
      const granted = async () =>
        (await environment.provider.call<ProviderCounts>("counts")).granted;
      do {
        await runSweep(sweeping);
        await untilDone(environment);
        await sleep(1_000);
      } while ((await granted()) < count);
    },
    /** Stores due connections, and measures from the start of the sweep until the queue is empty. */
    async round(name: string, count: number): Promise<Measured> {
      await seedDue(name, count);
      return measured(environment, [sweeping, ...workers], count, async () => {
        const { enqueued } = await runSweep(sweeping);
        if (enqueued !== count) throw new Error(`the sweep enqueued ${enqueued} of ${count}`);
        await untilDone(environment);
      });
    },
    async stop(): Promise<void> {
      await Promise.all(workers.map((one) => one.call("stop")));
      await Promise.all([...workers, sweeping].map((one) => one.dismiss()));
    },
  };
}

const pollMs = 20;

async function untilDone({ sqs, queues }: LoadEnvironment): Promise<void> {
  for (;;) {
    const { visible, inFlight } = await depthOf(sqs, queues.refreshQueueUrl);
    if (visible + inFlight === 0) return;
    await sleep(pollMs);
  }
}

interface BareLoops {
  readonly environment: LoadEnvironment;
  readonly loops: readonly Child<undefined>[];
  readonly concurrency: number;
}

/** Measures the bare loop with connections that are not due in the schedule. */
async function measureBare(
  { environment, loops, concurrency }: BareLoops,
  name: string,
  count: number,
): Promise<Measured> {
  const farMs = Date.now() + 24 * 60 * 60_000;
  const fleet = await seedFleet(environment, { name: `b${name}`, count, refreshAtMs: farMs });
  return measured(environment, loops, count, async () => {
    const shares = loops.map((loop, part) => {
      const share = fleet.filter((_, index) => index % loops.length === part);
      return loop.call("loop", workOf(environment, share, concurrency));
    });
    await Promise.all(shares);
  });
}

const workOf = (
  { tables, provider }: LoadEnvironment,
  share: readonly FleetConnection[],
  concurrency: number,
): BareWork => ({
  connections: share.map(
    ({ connectionId, refreshToken, refreshShard }): BareConnection => ({
      connectionId,
      refreshToken,
      refreshShard,
    }),
  ),
  concurrency,
  tableName: tables.connections,
  ...provider.ready,
  credentialsLength: share[0]?.credentialsLength ?? 0,
});

/** @throws {Error} unless the provider issued tokens exactly once for each connection */
async function measured(
  environment: LoadEnvironment,
  children: readonly Child<undefined>[],
  refreshes: number,
  work: () => Promise<void>,
): Promise<Measured> {
  const cpu = async () => sum(await Promise.all(children.map((one) => one.call<number>("usage"))));
  const before = await environment.provider.call<ProviderCounts>("counts");
  const [cpuBefore, othersBefore] = [await cpu(), await environment.usage()];
  const beganAtMs = performance.now();
  await work();
  const seconds = (performance.now() - beganAtMs) / 1000;
  const [cpuAfter, othersAfter] = [await cpu(), await environment.usage()];
  const after = await environment.provider.call<ProviderCounts>("counts");
  const granted = after.granted - before.granted;
  if (granted !== refreshes || after.reused > 0) {
    throw new Error(
      `the provider issued ${granted} token sets for ${refreshes} connections, and saw ${after.reused} reuses`,
    );
  }
  return {
    refreshes,
    seconds,
    cpuMs: cpuAfter - cpuBefore,
    othersCpuMs: Object.fromEntries(
      Object.entries(othersAfter).map(([name, ms]) => [name, ms - (othersBefore[name] ?? 0)]),
    ),
  };
}

function total(parts: readonly Measured[]): Measured {
  const names = Object.keys(parts[0]?.othersCpuMs ?? {});
  return {
    refreshes: sum(parts.map((part) => part.refreshes)),
    seconds: sum(parts.map((part) => part.seconds)),
    cpuMs: sum(parts.map((part) => part.cpuMs)),
    othersCpuMs: Object.fromEntries(
      names.map((name) => [name, sum(parts.map((part) => part.othersCpuMs[name] ?? 0))]),
    ),
  };
}
