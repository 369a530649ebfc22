import { join } from "node:path";
import { systemClock } from "../../functions/adapters/clock/system-clock.ts";
import type { Clock } from "../../functions/domain/ports/clock.ts";
import { object } from "../../functions/validation/structures.ts";
import { matching } from "../../functions/validation/values.ts";
import {
  AwsError,
  type AwsJson,
  type AwsOperation,
  startAwsJsonServer,
} from "./aws-json-server.ts";
import { type DurableMap, openDurableMap } from "./durable-map.ts";
import { text } from "./parameters.ts";
import { changedAttributes, type QueueAttributes, settingsOf } from "./sqs-attributes.ts";
import { forEachEntry, invalidValue, readParameters } from "./sqs-input.ts";
import {
  changeVisibility,
  deleteMessage,
  isRequested,
  receiveMessages,
  sendMessage,
} from "./sqs-messages.ts";
import { MessageQueue, type QueueMessage } from "./sqs-queue.ts";

export interface SqsOptions {
  /** The directory of `sqs-queues.jsonl` and `sqs-messages.jsonl`. @default in memory */
  readonly directory?: string;
  readonly port?: number;
  /** @default the system's */
  readonly clock?: Clock;
}

export interface LocalSqs {
  /** For `AWS_ENDPOINT_URL_SQS`. */
  readonly endpoint: string;
  /** The number of requests for each operation, failed ones included. */
  requests(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

const accountId = "000000000000";
const arnPrefix = `arn:aws:sqs:us-east-1:${accountId}:`;
/** Escapes make a JSON body longer than the message. */
const maximumBodyBytes = 8 * 1024 * 1024;

interface Queue {
  readonly name: string;
  readonly createdAtMs: number;
  readonly messages: MessageQueue;
  attributes: QueueAttributes;
}

interface StoredQueue {
  readonly createdAtMs: number;
  readonly attributes: QueueAttributes;
}

/** The state that all operations share. `url` is known once the server listens. */
interface Service {
  readonly queues: Map<string, Queue>;
  readonly clock: Clock;
  open(name: string, stored: StoredQueue): Queue;
  store(queue: Queue): void;
  url(name: string): string;
}

/**
 * A stand-in for SQS with standard queues: delay, visibility timeout, long polling, retention, redrive to a
 * dead-letter queue, fair queues. It does not support message attributes.
 */
export async function startSqs({
  directory,
  port = 0,
  clock = systemClock,
}: SqsOptions = {}): Promise<LocalSqs> {
  const open = <Value>(file: string): DurableMap<Value> =>
    openDurableMap({ path: directory && join(directory, file), isStale: () => false });
  const queues = open<StoredQueue>("sqs-queues.jsonl");
  const messages = open<QueueMessage>("sqs-messages.jsonl");
  let endpoint = "";
  const service = openService(queues, messages, clock, () => endpoint);
  const server = await startAwsJsonServer({
    targetPrefix: "AmazonSQS",
    port,
    maximumBodyBytes,
    errorHeaders: ({ code }) => ({
      "x-amzn-query-error": `${queryErrors[code] ?? code};Sender`,
    }),
    operations: operationsOf(service),
  });
  endpoint = server.endpoint;
  return {
    ...server,
    close: async () => {
      await server.close();
      queues.close();
      messages.close();
    },
  };
}

/** The error codes of the query protocol, which SDKs report as `Code`, where they differ from the names in JSON. */
const queryErrors: Readonly<Record<string, string>> = {
  QueueDoesNotExist: "AWS.SimpleQueueService.NonExistentQueue",
  QueueNameExists: "QueueAlreadyExists",
  MessageNotInflight: "AWS.SimpleQueueService.MessageNotInflight",
  UnsupportedOperation: "AWS.SimpleQueueService.UnsupportedOperation",
  EmptyBatchRequest: "AWS.SimpleQueueService.EmptyBatchRequest",
  TooManyEntriesInBatchRequest: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
  BatchEntryIdsNotDistinct: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
  BatchRequestTooLong: "AWS.SimpleQueueService.BatchRequestTooLong",
  InvalidBatchEntryId: "AWS.SimpleQueueService.InvalidBatchEntryId",
};

function openService(
  storedQueues: DurableMap<StoredQueue>,
  storedMessages: DurableMap<QueueMessage>,
  clock: Clock,
  endpoint: () => string,
): Service {
  const queues = new Map<string, Queue>();
  const keyOf = (name: string, id: string): string => `${name}/${id}`;
  const service: Service = {
    queues,
    clock,
    open(name, { createdAtMs, attributes }) {
      const messages = new MessageQueue({
        settings: () => settingsOf(queue.attributes),
        storage: {
          set: (message) => storedMessages.set(keyOf(name, message.id), message),
          delete: (id) => storedMessages.delete(keyOf(name, id)),
        },
        deadLetterQueue: ({ deadLetterTargetArn }) =>
          queues.get(deadLetterTargetArn.slice(arnPrefix.length))?.messages,
        nowMs: () => clock.nowMs(),
      });
      const queue: Queue = { name, createdAtMs, messages, attributes };
      queues.set(name, queue);
      return queue;
    },
    store: ({ name, createdAtMs, attributes }) =>
      storedQueues.set(name, { createdAtMs, attributes }),
    url: (name) => `${endpoint()}/${accountId}/${name}`,
  };
  for (const [name, stored] of storedQueues.entries()) service.open(name, stored);
  // `put` writes to the map, so that the loop runs over a copy.
  for (const [key, message] of [...storedMessages.entries()]) {
    queues.get(key.slice(0, key.indexOf("/")))?.messages.put(message);
  }
  return service;
}

const operationsOf = (service: Service): Readonly<Record<string, AwsOperation>> => ({
  CreateQueue: (input) => createQueue(service, input),
  GetQueueUrl: (input) => ({ QueueUrl: service.url(named(service, input).name) }),
  SetQueueAttributes: (input) => {
    const queue = addressed(service, input);
    queue.attributes = changedAttributes(input, queue.attributes);
    service.store(queue);
    return {};
  },
  GetQueueAttributes: (input) => getQueueAttributes(addressed(service, input), input),
  PurgeQueue: (input) => {
    addressed(service, input).messages.purge();
    return {};
  },
  SendMessage: (input) => sendMessage(addressed(service, input).messages, input),
  SendMessageBatch: (input) => {
    const { messages } = addressed(service, input);
    return { ...forEachEntry(input, (entry) => sendMessage(messages, entry)) };
  },
  ReceiveMessage: (input, disconnected) => {
    const { messages, attributes } = addressed(service, input);
    const settings = settingsOf(attributes);
    const options = { clock: service.clock, messages, settings, senderId: accountId };
    return receiveMessages(options, input, disconnected);
  },
  DeleteMessage: (input) => deleteMessage(addressed(service, input).messages, input),
  DeleteMessageBatch: (input) => {
    const { messages } = addressed(service, input);
    return { ...forEachEntry(input, (entry) => deleteMessage(messages, entry)) };
  },
  ChangeMessageVisibility: (input) => changeVisibility(addressed(service, input).messages, input),
});

const createParameters = object({
  QueueName: matching(/^[\w-]{1,80}$/, "1 to 80 letters, digits, hyphens and underscores"),
});

function createQueue(service: Service, input: AwsJson): AwsJson {
  const { QueueName: name } = readParameters(createParameters, input);
  const attributes = changedAttributes(input);
  const { redrive } = settingsOf(attributes);
  const target = redrive?.deadLetterTargetArn.slice(arnPrefix.length);
  if (target !== undefined && !service.queues.has(target)) {
    throw invalidValue("the dead-letter queue does not exist");
  }
  const existing = service.queues.get(name);
  if (existing === undefined) {
    service.store(service.open(name, { createdAtMs: service.clock.nowMs(), attributes }));
  } else if (JSON.stringify(existing.attributes) !== JSON.stringify(attributes)) {
    throw new AwsError("QueueNameExists", `${name} exists with other attributes`);
  }
  return { QueueUrl: service.url(name) };
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html */
function getQueueAttributes(queue: Queue, { AttributeNames: names }: AwsJson): AwsJson {
  const { waiting, delayed, inFlight } = queue.messages.counts();
  const attributes = Object.entries({
    ...queue.attributes,
    QueueArn: `${arnPrefix}${queue.name}`,
    CreatedTimestamp: String(Math.floor(queue.createdAtMs / 1000)),
    ApproximateNumberOfMessages: String(waiting),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
  });
  return {
    Attributes: Object.fromEntries(attributes.filter(([name]) => isRequested(names, name))),
  };
}

const urlParameters = object({ QueueUrl: text });
const nameParameters = object({ QueueName: text });

/** Finds a queue by the last part of its URL, since the host may be a proxy's, or an earlier start's. */
const addressed = ({ queues }: Service, input: AwsJson): Queue =>
  found(queues.get(readParameters(urlParameters, input).QueueUrl.split("/").at(-1) ?? ""));

const named = ({ queues }: Service, input: AwsJson): Queue =>
  found(queues.get(readParameters(nameParameters, input).QueueName));

function found(queue: Queue | undefined): Queue {
  if (queue === undefined) {
    throw new AwsError("QueueDoesNotExist", "The specified queue does not exist.");
  }
  return queue;
}
