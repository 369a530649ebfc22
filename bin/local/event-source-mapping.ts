import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSEvent, SQSRecord } from "aws-lambda";
import { systemClock } from "../../functions/adapters/clock/system-clock.ts";
import type { Clock } from "../../functions/domain/ports/clock.ts";
import { type Invocation, invoke, type LambdaFunction } from "./lambda-function.ts";

export interface EventSourceMappingOptions {
  /** Its request timeout has to be longer than {@link waitSeconds}. */
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly function: LambdaFunction;
  /** @default 10 */
  readonly batchSize?: number;
  /** Concurrent invocations. @default 2, Lambda's minimum */
  readonly maximumConcurrency?: number;
  /** Called with one line for each error. */
  readonly onError?: (message: string) => void;
  /** @default the system's */
  readonly clock?: Pick<Clock, "sleep">;
}

export interface EventSourceMapping {
  /** Stops receiving, and resolves when the last invocation has ended. */
  stop(): Promise<void>;
}

/** The time that a receive waits for a message, SQS's maximum. */
export const waitSeconds = 20;
/** SQS's maximum for one receive, and for one batch. */
const batchEntries = 10;
const pauseAfterErrorMs = 1_000;

/**
 * Invokes a function with the messages of a queue, as an event source mapping with `ReportBatchItemFailures` does: it
 * deletes the messages that succeeded, and leaves the others to their visibility timeout.
 * https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
 */
export function startEventSourceMapping(options: EventSourceMappingOptions): EventSourceMapping {
  const { maximumConcurrency = 2 } = options;
  const stopping = new AbortController();
  const polling = Array.from({ length: maximumConcurrency }, () => poll(options, stopping.signal));
  return {
    async stop() {
      stopping.abort();
      await Promise.all(polling);
    },
  };
}

async function poll(options: EventSourceMappingOptions, stop: AbortSignal): Promise<void> {
  const { clock = systemClock, onError = () => undefined } = options;
  while (!stop.aborted) {
    try {
      const batch = await receiveBatch(options, stop);
      if (batch.length > 0) await processBatch(options, batch, onError);
    } catch (error) {
      if (stop.aborted) return;
      onError(`queue ${options.queueUrl}: ${error instanceof Error ? error.message : error}`);
      await clock.sleep(pauseAfterErrorMs, stop);
    }
  }
}

/** Waits for the first messages, and receives further ones that are there. */
async function receiveBatch(
  { client, queueUrl, batchSize = 10 }: EventSourceMappingOptions,
  stop: AbortSignal,
): Promise<readonly Message[]> {
  const batch: Message[] = [];
  while (batch.length < batchSize) {
    const command = new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: Math.min(batchEntries, batchSize - batch.length),
      WaitTimeSeconds: batch.length === 0 ? waitSeconds : 0,
      MessageSystemAttributeNames: ["All"],
    });
    // A stop aborts only a wait. Messages that have been received are processed.
    const options = batch.length === 0 ? { abortSignal: stop } : {};
    const { Messages = [] } = await client.send(command, options);
    if (Messages.length === 0) break;
    batch.push(...Messages);
  }
  return batch;
}

async function processBatch(
  options: EventSourceMappingOptions,
  batch: readonly Message[],
  onError: (message: string) => void,
): Promise<void> {
  const event: SQSEvent = { Records: batch.map((message) => recordOf(message, options.queueArn)) };
  const invocation = await invoke(options.function, event);
  const failed = failedMessages(invocation, event);
  if (invocation.kind === "failed") {
    onError(`function ${options.function.name}: ${invocation.errorMessage}`);
  }
  await deleteAll(
    options,
    batch.filter(({ MessageId = "" }) => !failed.has(MessageId)),
  );
}

function recordOf(message: Message, eventSourceARN: string): SQSRecord {
  const { MessageId = "", ReceiptHandle = "", Body = "", MD5OfBody = "", Attributes } = message;
  const [, , , awsRegion = ""] = eventSourceARN.split(":");
  const { ApproximateReceiveCount = "", SentTimestamp = "", SenderId = "" } = Attributes ?? {};
  const { ApproximateFirstReceiveTimestamp = "" } = Attributes ?? {};
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    attributes: {
      ...Attributes,
      ...{ ApproximateReceiveCount, SentTimestamp, SenderId, ApproximateFirstReceiveTimestamp },
    },
    messageAttributes: {},
    md5OfBody: MD5OfBody,
    eventSource: "aws:sqs",
    eventSourceARN,
    awsRegion,
  };
}

/**
 * The ids of the messages that are retried. A response that is empty or names no failure is a success. A response of
 * another shape, or one that names a message outside the batch, fails the whole batch.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 */
function failedMessages(invocation: Invocation, { Records }: SQSEvent): ReadonlySet<string> {
  const all = new Set(Records.map(({ messageId }) => messageId));
  if (invocation.kind === "failed") return all;
  const { payload } = invocation;
  if (payload === null || payload === undefined) return new Set();
  if (typeof payload !== "object") return all;
  const { batchItemFailures = null } = payload as { readonly batchItemFailures?: unknown };
  if (batchItemFailures === null) return new Set();
  if (!Array.isArray(batchItemFailures)) return all;
  const failed = batchItemFailures.map((failure: { itemIdentifier?: unknown } | null) =>
    String(failure?.itemIdentifier),
  );
  return failed.every((id) => all.has(id)) ? new Set(failed) : all;
}

async function deleteAll(
  { client, queueUrl }: EventSourceMappingOptions,
  messages: readonly Message[],
): Promise<void> {
  for (let i = 0; i < messages.length; i += batchEntries) {
    const Entries = messages
      .slice(i, i + batchEntries)
      .map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle }));
    await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  }
}
