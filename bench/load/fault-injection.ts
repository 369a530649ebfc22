import { DeleteItemCommand } from "@aws-sdk/client-dynamodb";
import { DeleteMessageBatchCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { systemClock as clock } from "../../functions/adapters/clock/system-clock.ts";
import { coordinationKey } from "../../functions/adapters/dynamodb/tables.ts";
import type { Child } from "./children.ts";
import { runSweep } from "./functions.ts";
import { depthOf, type LoadEnvironment } from "./load-environment.ts";

/** A process that is replaced when it is killed. */
export interface Restartable {
  /** @returns when the process exited, epoch milliseconds */
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
  /** The maximum pause between two kills. */
  readonly killEveryMs: number;
  readonly killForMs: number;
}

/** Kills random processes, with a random pause before each. @returns when each exited, epoch milliseconds */
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

/** The fraction of the fleet that is refreshed before the store begins to throttle. */
const firstPart = 0.2;

/** Throttles every request for a time, after a fraction of the fleet is refreshed. */
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

/** Receives messages from the queue and deletes them without a refresh. @returns their number */
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
 * Sweeps more often than the schedule does. When the queue is empty, the next sweep looks for lost messages
 * without the wait of five minutes.
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
