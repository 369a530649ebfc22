import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DeleteItemCommand } from "@aws-sdk/client-dynamodb";
import { PurgeQueueCommand } from "@aws-sdk/client-sqs";
import { coordinationKey } from "../../functions/adapters/dynamodb/tables.ts";
import { withConcurrency } from "../../functions/domain/async/concurrency.ts";
import { refreshShards } from "../../functions/domain/schedule/due.ts";
import { median } from "../statistics.ts";
import type { Subject } from "../subjects.ts";
import { type Child, startChild } from "./children.ts";
import type { ConnectionSeed } from "./connection-seed.ts";
import { dueItem, idleItem, putItems } from "./fleet.ts";
import { runSweep, startFunction, sweepPlan } from "./functions.ts";
import { type LoadEnvironment, newTableNames, startEnvironment } from "./load-environment.ts";
import type { Consumption } from "./store-proxy.ts";

export interface SweepCost {
  readonly stored: number;
  readonly requests: Readonly<Record<string, number>>;
  readonly capacityUnits: Readonly<Record<string, number>>;
  readonly medianMs: number;
  readonly fastestMs: number;
}

export interface SweepCostOptions {
  readonly dynamoDbEndpoint: string | undefined;
  readonly sweep: Subject;
  /** The directory for the tables of the engines that are started. */
  readonly directory: string;
  /** The number of stored connections in each table. */
  readonly stored: readonly number[];
}

/** The number of stored connections that are due. */
const dueConnections = 1_000;
const repetitions = 15;

/** Sweeps the same thousand due connections in a small and in a large table. The tables alternate. */
export async function measureSweepCost(options: SweepCostOptions): Promise<readonly SweepCost[]> {
  const setups: Setup[] = [];
  try {
    for (const stored of options.stored) setups.push(await startSetup(options, stored));
    for (const setup of setups) await setup.makeDue();
    // A connection that becomes due in the present second belongs to the next sweep.
    await sleep(1_000);
    for (const setup of setups) await setup.sweepOnce();
    const times = setups.map((): number[] => []);
    for (let repetition = 0; repetition < repetitions; repetition++) {
      for (const [i, setup] of setups.entries()) times[i]?.push(await setup.sweepOnce());
    }
    const costs = setups.map(async ({ stored, consumption }, i) => ({
      stored,
      medianMs: median(times[i] ?? []),
      fastestMs: Math.min(...(times[i] ?? [])),
      ...(await consumption()),
    }));
    return await Promise.all(costs);
  } finally {
    for (const setup of setups) await setup.close();
  }
}

interface Setup {
  readonly stored: number;
  /** Runs for all tables at the same time: a connection that is due for five minutes counts as lost, and costs more. */
  makeDue(): Promise<void>;
  /** @returns the duration in milliseconds */
  sweepOnce(): Promise<number>;
  /** Returns the consumption of the last sweep. */
  consumption(): Promise<Consumption>;
  close(): Promise<void>;
}

async function startSetup(options: SweepCostOptions, wanted: number): Promise<Setup> {
  const { dynamoDbEndpoint } = options;
  const directory = mkdtempSync(join(options.directory, "engine-"));
  const tables = newTableNames();
  const idle = wanted - dueConnections;
  if (dynamoDbEndpoint === undefined) await fill({ directory, tables, count: idle });
  const environment = await startEnvironment({
    ...{ dynamoDbEndpoint, engineDirectory: directory, tables, withProxy: true },
  });
  const written = dynamoDbEndpoint === undefined ? idle : await fillByRequests(environment, idle);
  const sweep = await startFunction(environment, sweepPlan(options.sweep));
  return {
    stored: written + dueConnections,
    makeDue: () => inBatches(dueConnections, (batch) => putItems(environment, batch.map(dueItem))),
    sweepOnce: () => sweepOnce(environment, sweep),
    consumption: async () => (await environment.proxy?.call<Consumption>("consumption")) ?? nothing,
    async close() {
      await sweep.kill();
      await environment.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const nothing: Consumption = { requests: {}, capacityUnits: {}, throttled: 0 };

async function fill(seed: ConnectionSeed): Promise<void> {
  const child = await startChild("connection-seed.ts");
  await child.call("fill", seed);
  await child.dismiss();
}

const timeLimitMs = 5 * 60_000;

/** Writes items to an engine that was not started here, for at most five minutes. @returns their number */
async function fillByRequests(environment: LoadEnvironment, count: number): Promise<number> {
  const deadlineMs = Date.now() + timeLimitMs;
  let written = 0;
  await inBatches(count, async (batch) => {
    if (Date.now() > deadlineMs) return;
    await putItems(environment, batch.map(idleItem));
    written += batch.length;
  });
  return written;
}

const itemsAtOnce = 25;
const atATime = 16;

function inBatches(count: number, put: (indices: readonly number[]) => Promise<void>) {
  const batches = Array.from({ length: Math.ceil(count / itemsAtOnce) }, (_, batch) => batch);
  return withConcurrency(batches, atATime, (batch) => {
    const first = batch * itemsAtOnce;
    const length = Math.min(itemsAtOnce, count - first);
    return put(Array.from({ length }, (_, i) => first + i));
  });
}

/** Sweeps without a stored position. @returns the duration in milliseconds */
async function sweepOnce(environment: LoadEnvironment, sweep: Child<undefined>): Promise<number> {
  await resetSweep(environment);
  await environment.proxy?.call("reset");
  const beganAtMs = performance.now();
  const { enqueued } = await runSweep(sweep);
  const elapsedMs = performance.now() - beganAtMs;
  if (enqueued !== dueConnections) throw new Error(`the sweep enqueued ${enqueued}`);
  return elapsedMs;
}

async function resetSweep({ dynamoDb, sqs, tables, queues }: LoadEnvironment): Promise<void> {
  await sqs.send(new PurgeQueueCommand({ QueueUrl: queues.refreshQueueUrl }));
  const shards = Array.from({ length: refreshShards }, (_, shard) => `sweep#${shard}`);
  for (const id of [...shards, "catch-up"]) {
    const Key = { [coordinationKey]: { S: id } };
    await dynamoDb.send(new DeleteItemCommand({ TableName: tables.coordination, Key }));
  }
}
