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
import { dueItem, putItems, stockItem } from "./fleet.ts";
import { runSweep, startFunction, sweepPlan } from "./functions.ts";
import type { Stock } from "./stock.ts";
import type { Consumption } from "./store-proxy.ts";
import { newTableNames, startWorld, type World } from "./world.ts";

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
  /** For the tables of engines of our own. */
  readonly directory: string;
  /** How many connections are stored, for each table. */
  readonly stored: readonly number[];
}

/** Of those that are stored. */
const dueConnections = 1_000;
const repetitions = 15;

/** Sweeps the same thousand connections among few and among many, in turns. */
export async function measureSweepCost(options: SweepCostOptions): Promise<readonly SweepCost[]> {
  const places: Place[] = [];
  try {
    for (const stored of options.stored) places.push(await startPlace(options, stored));
    for (const place of places) await place.makeDue();
    // What came due in the present second is the next sweep's.
    await sleep(1_000);
    for (const place of places) await place.sweepOnce();
    const times = places.map((): number[] => []);
    for (let repetition = 0; repetition < repetitions; repetition++) {
      for (const [i, place] of places.entries()) times[i]?.push(await place.sweepOnce());
    }
    const costs = places.map(async ({ stored, consumption }, i) => ({
      stored,
      medianMs: median(times[i] ?? []),
      fastestMs: Math.min(...(times[i] ?? [])),
      ...(await consumption()),
    }));
    return await Promise.all(costs);
  } finally {
    for (const place of places) await place.close();
  }
}

interface Place {
  readonly stored: number;
  /** At the same time for all: what has been due for five minutes counts as lost, and costs more. */
  makeDue(): Promise<void>;
  /** @returns milliseconds */
  sweepOnce(): Promise<number>;
  /** Of the last sweep. */
  consumption(): Promise<Consumption>;
  close(): Promise<void>;
}

async function startPlace(options: SweepCostOptions, wanted: number): Promise<Place> {
  const { dynamoDbEndpoint } = options;
  const directory = mkdtempSync(join(options.directory, "engine-"));
  const tables = newTableNames();
  const stocked = wanted - dueConnections;
  if (dynamoDbEndpoint === undefined) await fill({ directory, tables, count: stocked });
  const world = await startWorld({
    ...{ dynamoDbEndpoint, engineDirectory: directory, tables, withProxy: true },
  });
  const written = dynamoDbEndpoint === undefined ? stocked : await fillByRequests(world, stocked);
  const sweep = await startFunction(world, sweepPlan(options.sweep));
  return {
    stored: written + dueConnections,
    makeDue: () => inBatches(dueConnections, (batch) => putItems(world, batch.map(dueItem))),
    sweepOnce: () => sweepOnce(world, sweep),
    consumption: async () => (await world.proxy?.ask<Consumption>("consumption")) ?? nothing,
    async close() {
      await sweep.kill();
      await world.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const nothing: Consumption = { requests: {}, capacityUnits: {}, throttled: 0 };

async function fill(stock: Stock): Promise<void> {
  const child = await startChild("stock.ts");
  await child.ask("fill", stock);
  await child.dismiss();
}

const patienceMs = 5 * 60_000;

/** Into an engine that is not ours, for five minutes at the most. @returns how many it took */
async function fillByRequests(world: World, count: number): Promise<number> {
  const deadlineMs = Date.now() + patienceMs;
  let written = 0;
  await inBatches(count, async (batch) => {
    if (Date.now() > deadlineMs) return;
    await putItems(world, batch.map(stockItem));
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

/** As if nothing had been swept before. */
async function sweepOnce(world: World, sweep: Child<undefined>): Promise<number> {
  await forget(world);
  await world.proxy?.ask("reset");
  const beganAtMs = performance.now();
  const { enqueued } = await runSweep(sweep);
  const elapsedMs = performance.now() - beganAtMs;
  if (enqueued !== dueConnections) throw new Error(`the sweep enqueued ${enqueued}`);
  return elapsedMs;
}

async function forget({ dynamoDb, sqs, tables, queues }: World): Promise<void> {
  await sqs.send(new PurgeQueueCommand({ QueueUrl: queues.refreshQueueUrl }));
  const shards = Array.from({ length: refreshShards }, (_, shard) => `sweep#${shard}`);
  for (const id of [...shards, "catch-up"]) {
    const Key = { [coordinationKey]: { S: id } };
    await dynamoDb.send(new DeleteItemCommand({ TableName: tables.coordination, Key }));
  }
}
