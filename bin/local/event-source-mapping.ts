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
  /** Its own deadline has to be longer than {@link waitSeconds}. */
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly function: LambdaFunction;
  /** @default 10 */
  readonly batchSize?: number;
  /** Invocations at a time. @default 2, the least that Lambda takes */
  readonly maximumConcurrency?: number;
  /** Told of what went wrong, in one line. */
  readonly onFault?: (fault: string) => void;
  /** @default the system's */
  readonly clock?: Pick<Clock, "sleep">;
}

export interface EventSourceMapping {
  /** Receives no more, and resolves when the invocations under way have ended. */
  stop(): Promise<void>;
}

/** How long a receive waits for a message: the longest that SQS has. */
export const waitSeconds = 20;
const receivedAtOnce = 10;
const pauseMs = 1_000;

/**
 * Invokes a function with the messages of a queue, as an event source mapping with
 * `ReportBatchItemFailures` does: what succeeded is deleted, what failed is left to its visibility
 * timeout. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
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
  const { clock = systemClock, onFault = () => undefined } = options;
  while (!stop.aborted) {
    try {
      const batch = await receiveBatch(options, stop);
      if (batch.length > 0) await work(options, batch, onFault);
    } catch (error) {
      if (stop.aborted) return;
      onFault(`queue ${options.queueUrl}: ${error instanceof Error ? error.message : error}`);
      await clock.sleep(pauseMs, stop);
    }
  }
}

/** Waits for the first messages, and takes what else is there. */
async function receiveBatch(
  { client, queueUrl, batchSize = 10 }: EventSourceMappingOptions,
  stop: AbortSignal,
): Promise<readonly Message[]> {
  const batch: Message[] = [];
  while (batch.length < batchSize) {
    const command = new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: Math.min(receivedAtOnce, batchSize - batch.length),
      WaitTimeSeconds: batch.length === 0 ? waitSeconds : 0,
      MessageSystemAttributeNames: ["All"],
    });
    // Only a wait is broken off: what has been received is worked on.
    const options = batch.length === 0 ? { abortSignal: stop } : {};
    const { Messages = [] } = await client.send(command, options);
    if (Messages.length === 0) break;
    batch.push(...Messages);
  }
  return batch;
}

async function work(
  options: EventSourceMappingOptions,
  batch: readonly Message[],
  onFault: (fault: string) => void,
): Promise<void> {
  const event: SQSEvent = { Records: batch.map((message) => recordOf(message, options.queueArn)) };
  const invocation = await invoke(options.function, event);
  const failed = failedMessages(invocation, event);
  if (invocation.kind === "failed") {
    onFault(`function ${options.function.name}: ${invocation.errorMessage}`);
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
 * Which messages come again. No answer, or one that names no failure, is success; an answer of another
 * shape, or a failure of no message of the batch, is the failure of all.
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
  for (let i = 0; i < messages.length; i += receivedAtOnce) {
    const Entries = messages
      .slice(i, i + receivedAtOnce)
      .map(({ ReceiptHandle }, at) => ({ Id: String(at), ReceiptHandle }));
    await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  }
}
