import {
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { DueConnection, RefreshQueue } from "../../domain/ports/schedule.ts";
import { asStoreUnavailable, sqsClient } from "../aws/clients.ts";
import { refreshMessage } from "./refresh-message.ts";

export interface SqsRefreshQueueOptions {
  /** Called once, on first use. @default sqsClient */
  readonly client?: () => Promise<SQSClient>;
  readonly queueUrl: string;
  readonly clock: Pick<Clock, "sleep">;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The most batches that are sent at a time. @default 16 */
  readonly maximumInFlight?: number;
  /** How often a batch, or the unsent rest of it, is sent. @default 4 */
  readonly attempts?: number;
}

/** The most messages that SQS accepts in one request. */
const batchSize = 10;
const firstRetryDelayMs = 100;
const longestRetryDelayMs = 2_000;

/**
 * The refresh queue in SQS, a standard queue. A message's group is its integration: as a fair queue, SQS
 * keeps one integration's flood from delaying the others.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
 */
export function sqsRefreshQueue(options: SqsRefreshQueueOptions): RefreshQueue {
  let loading: Promise<SQSClient> | undefined;
  const client = (): Promise<SQSClient> => {
    loading ??= (options.client ?? sqsClient)();
    return loading;
  };
  return {
    enqueue: async (due) => enqueue(options, await client(), due),
    depth: async () => depth(await client(), options.queueUrl),
  };
}

/** The result of a batch: the connections that are not on the queue, and why the queue could not be used. */
interface BatchResult {
  readonly left: readonly DueConnection[];
  readonly failure?: unknown;
  /** Why SQS refused a message. Undefined: it refused none. */
  readonly refusal?: string | undefined;
}

async function enqueue(
  options: SqsRefreshQueueOptions,
  client: SQSClient,
  due: readonly DueConnection[],
): Promise<readonly DueConnection[]> {
  const batches = inBatches(due).values();
  const left: DueConnection[] = [];
  let failure: unknown;
  let refusal: string | undefined;
  const sendInTurn = async (): Promise<void> => {
    for (const batch of batches) {
      // Once a batch has failed in all its attempts, no other batch is sent.
      const result: BatchResult = failure
        ? { left: batch }
        : await sendBatch(options, client, batch);
      left.push(...result.left);
      failure ??= result.failure;
      refusal ??= result.refusal;
    }
  };
  const { maximumInFlight = 16 } = options;
  await Promise.all(Array.from({ length: maximumInFlight }, sendInTurn));
  const partly = failure instanceof StoreUnavailable && left.length < due.length;
  if (failure !== undefined && !partly) throw failure;
  if (refusal !== undefined && left.length === due.length) {
    throw new Error(`the refresh queue refuses all ${due.length} messages: ${refusal}`);
  }
  return left;
}

function inBatches(due: readonly DueConnection[]): readonly (readonly DueConnection[])[] {
  const batches: (readonly DueConnection[])[] = [];
  for (let i = 0; i < due.length; i += batchSize) batches.push(due.slice(i, i + batchSize));
  return batches;
}

async function sendBatch(
  { queueUrl, clock, random, attempts = 4 }: SqsRefreshQueueOptions,
  client: SQSClient,
  batch: readonly DueConnection[],
): Promise<BatchResult> {
  const refused: DueConnection[] = [];
  let refusal: string | undefined;
  let waiting = batch;
  for (let attempt = 1; ; attempt++) {
    let failure: unknown;
    try {
      const sent = await sendOnce(client, queueUrl, waiting);
      refused.push(...sent.refused);
      refusal ??= sent.refusal;
      waiting = sent.unsent;
    } catch (error) {
      failure = error;
    }
    const isTransient = failure === undefined || failure instanceof StoreUnavailable;
    if (waiting.length === 0 || attempt >= attempts || !isTransient) {
      return { left: [...refused, ...waiting], failure, refusal };
    }
    await clock.sleep(Math.min(firstRetryDelayMs * 2 ** attempt, longestRetryDelayMs) * random());
  }
}

interface Sent {
  /** The messages that another attempt would not send either. */
  readonly refused: readonly DueConnection[];
  readonly refusal: string | undefined;
  /** The messages that another attempt may send. */
  readonly unsent: readonly DueConnection[];
}

async function sendOnce(
  client: SQSClient,
  queueUrl: string,
  batch: readonly DueConnection[],
): Promise<Sent> {
  const command = new SendMessageBatchCommand({
    QueueUrl: queueUrl,
    Entries: batch.map((due, i) => ({
      Id: String(i),
      MessageBody: refreshMessage(due),
      MessageGroupId: due.integration,
    })),
  });
  const { Successful = [], Failed = [] } = await asStoreUnavailable("the refresh queue", () =>
    client.send(command),
  );
  const sent = new Set(Successful.map(({ Id }) => Id));
  const faults = Failed.filter(({ SenderFault }) => SenderFault);
  const faulty = new Set(faults.map(({ Id }) => Id));
  const refused = batch.filter((_, i) => faulty.has(String(i)));
  const unsent = batch.filter((_, i) => !sent.has(String(i)) && !faulty.has(String(i)));
  const [refusal] = faults.map(({ Code, Message }) => `${Code}: ${Message}`);
  return { refused, refusal, unsent };
}

const counts = [
  "ApproximateNumberOfMessages",
  "ApproximateNumberOfMessagesDelayed",
  "ApproximateNumberOfMessagesNotVisible",
] as const;

async function depth(client: SQSClient, QueueUrl: string): Promise<number> {
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...counts] });
  const { Attributes = {} } = await asStoreUnavailable("the refresh queue", () =>
    client.send(command),
  );
  return counts.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
}
