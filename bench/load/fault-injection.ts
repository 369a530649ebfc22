import { DeleteItemCommand } from "@aws-sdk/client-dynamodb";
import { DeleteMessageBatchCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { systemClock as clock } from "../../functions/adapters/clock/system-clock.ts";
import { coordinationKey } from "../../functions/adapters/dynamodb/tables.ts";
import type { Child } from "./children.ts";
import { runSweep } from "./functions.ts";
import { depthOf, type LoadEnvironment } from "./load-environment.ts";

/** A process that another takes the place of when it is killed. */
export interface Restartable {
  /** @returns when the process had ended, in epoch milliseconds */
  killAndRestart(): Promise<number>;
}

export async function restartable(start: () => Promise<Child<unknown>>): Promise<Restartable> {
  let child = await start();
  return {
    async killAndRestart() {
      await child.kill();
      const killedAtMs = Date.now();
      child = await start();
      return killedAtMs;
    },
  };
}

export interface KillPlan {
  /** The longest pause between two kills. */
  readonly killEveryMs: number;
  readonly killForMs: number;
}

/** Kills one process after the other, each after a pause of its own. @returns when each had ended */
export async function killAtRandom(
  processes: readonly Restartable[],
  { killEveryMs, killForMs }: KillPlan,
  stop: AbortSignal,
): Promise<readonly number[]> {
  const kills: number[] = [];
  const endsAtMs = Date.now() + killForMs;
  while (Date.now() < endsAtMs) {
    await clock.sleep(Math.random() * killEveryMs, stop);
    if (stop.aborted) break;
    const victim = processes[Math.floor(Math.random() * processes.length)];
    if (victim !== undefined) kills.push(await victim.killAndRestart());
  }
  return kills;
}

/** How much of the fleet is refreshed before the store begins to throttle. */
const firstPart = 0.2;

/** Throttles every request, once part of the fleet has been granted tokens. */
export async function throttleFor(
  { provider, proxy }: LoadEnvironment,
  { connections, throttleMs }: { readonly connections: number; readonly throttleMs: number },
  stop: AbortSignal,
): Promise<void> {
  const granted = async () => (await provider.call<{ granted: number }>("counts")).granted;
  while (!stop.aborted && (await granted()) < connections * firstPart) await clock.sleep(100, stop);
  await proxy?.call("throttle", true);
  await clock.sleep(throttleMs, stop);
  await proxy?.call("throttle", false);
}

/** Takes messages from the queue as a worker would, and deletes them undone. */
export async function loseMessages(
  { sqs, queues }: LoadEnvironment,
  count: number,
): Promise<number> {
  const QueueUrl = queues.refreshQueueUrl;
  let lost = 0;
  while (lost < count) {
    const MaxNumberOfMessages = Math.min(10, count - lost);
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages }),
    );
    if (Messages.length === 0) break;
    const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    lost += Messages.length;
  }
  return lost;
}

const sweepEveryMs = 2_000;

/**
 * Sweeps as the schedule does, only sooner. When the queue has run dry the sweep looks for what was lost
 * on the way: its five minutes are not waited for.
 */
export async function sweepAgain(
  environment: LoadEnvironment,
  sweep: Child<unknown>,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    await clock.sleep(sweepEveryMs, stop);
    if (stop.aborted) return;
    const { visible, inFlight } = await depthOf(
      environment.sqs,
      environment.queues.refreshQueueUrl,
    );
    if (visible + inFlight === 0) await makeCatchUpDue(environment);
    await runSweep(sweep);
  }
}

async function makeCatchUpDue({ dynamoDb, tables }: LoadEnvironment): Promise<void> {
  const Key = { [coordinationKey]: { S: "catch-up" } };
  await dynamoDb.send(new DeleteItemCommand({ TableName: tables.coordination, Key }));
}
