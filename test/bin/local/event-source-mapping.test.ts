import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { Context, SQSEvent, SQSRecord } from "aws-lambda";
import {
  type EventSourceMapping,
  type EventSourceMappingOptions,
  startEventSourceMapping,
} from "../../../bin/local/event-source-mapping.ts";
import { type LocalSqs, startSqs } from "../../../bin/local/sqs.ts";
import { localSqsClient, type ManualClock, manualClock } from "../../support/local-aws-clients.ts";

const queueArn = "arn:aws:sqs:us-east-1:000000000000:work";

let sqs: LocalSqs;
let clock: ManualClock;
let client: SQSClient;
let QueueUrl: string | undefined;
let mapping: EventSourceMapping | undefined;

beforeEach(async () => {
  clock = manualClock();
  sqs = await startSqs({ clock });
  client = localSqsClient(sqs.endpoint);
  const Attributes = { VisibilityTimeout: "30" };
  ({ QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: "work", Attributes })));
});
afterEach(async () => {
  await mapping?.stop();
  client.destroy();
  await sqs.close();
});

const send = (MessageBody: string, MessageGroupId?: string) =>
  client.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId }));

/** The messages on the queue, in flight or not. */
async function left(): Promise<number> {
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
  );
  const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = Attributes ?? {};
  return Number(ApproximateNumberOfMessages) + Number(ApproximateNumberOfMessagesNotVisible);
}

type Handler = (event: SQSEvent, context: Context) => unknown;

/** Maps the queue to a handler. Each batch can be awaited. */
function start(handler: Handler, options: Partial<EventSourceMappingOptions> = {}) {
  const batches: SQSRecord[][] = [];
  const faults: string[] = [];
  let changed = Promise.withResolvers<void>();
  const tell = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  mapping = startEventSourceMapping({
    ...{ client, queueUrl: QueueUrl ?? "", queueArn, maximumConcurrency: 1 },
    function: {
      ...{ name: "worker", timeoutMs: 5_000 },
      handler: (event: SQSEvent, context: Context) => {
        batches.push(event.Records);
        tell();
        return handler(event, context);
      },
    },
    onError: (fault) => {
      faults.push(fault);
      tell();
    },
    ...options,
  });
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await changed.promise;
  };
  return {
    batches,
    faults,
    until,
    bodies: () => batches.map((records) => records.map(({ body }) => body)),
  };
}
/** Resolves when every poller waits, so that earlier messages are processed. */
const idle = (): Promise<void> => clock.asleep(1);

it("invokes with Lambda's event, and deletes the messages that succeeded", async () => {
  await send("hello", "acme");
  const { batches, until } = start(() => ({ batchItemFailures: [] }));
  await until(() => batches.length === 1);
  await idle();
  expect(batches).toEqual([
    [
      {
        messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        receiptHandle: expect.any(String),
        body: "hello",
        attributes: {
          ApproximateReceiveCount: "1",
          SentTimestamp: String(clock.nowMs()),
          ApproximateFirstReceiveTimestamp: String(clock.nowMs()),
          SenderId: expect.any(String),
          MessageGroupId: "acme",
        },
        messageAttributes: {},
        md5OfBody: "5d41402abc4b2a76b9719d911017c592",
        eventSource: "aws:sqs",
        eventSourceARN: queueArn,
        awsRegion: "us-east-1",
      },
    ],
  ]);
  expect(await left()).toBe(0);
});

it("leaves failed messages to their visibility timeout, and deletes the rest of the batch", async () => {
  for (const body of ["a", "b", "c"]) await send(body);
  const { bodies, batches, until } = start(({ Records }) => ({
    batchItemFailures: Records.filter(({ body }) => batches.length === 1 && body === "b").map(
      ({ messageId }) => ({ itemIdentifier: messageId }),
    ),
  }));
  await until(() => batches.length === 1);
  await idle();
  expect(await left()).toBe(1);
  clock.advance(30_000);
  await until(() => batches.length === 2);
  await idle();
  expect(bodies()).toEqual([["a", "b", "c"], ["b"]]);
  expect(batches[1]?.[0]?.attributes.ApproximateReceiveCount).toBe("2");
  expect(await left()).toBe(0);
});

describe("treats a whole batch as", () => {
  const first = ({ Records }: SQSEvent) => Records[0]?.messageId;
  test.each<[string, Handler, number]>([
    ["done: no response", () => undefined, 0],
    ["done: null", () => null, 0],
    ["done: an empty object", () => ({}), 0],
    ["done: no list", () => ({ batchItemFailures: null }), 0],
    ["failed: an error", () => Promise.reject(new Error("no")), 2],
    ["failed: another kind of response", () => "done", 2],
    ["failed: not a list", () => ({ batchItemFailures: {} }), 2],
    ["failed: an empty id", () => ({ batchItemFailures: [{ itemIdentifier: "" }] }), 2],
    ["failed: no id", () => ({ batchItemFailures: [{ itemIdentifier: null }] }), 2],
    ["failed: an empty failure", () => ({ batchItemFailures: [null] }), 2],
    ["failed: another name", (event) => ({ batchItemFailures: [{ messageId: first(event) }] }), 2],
    [
      "failed: an unknown id beside a known one",
      (event) => ({
        batchItemFailures: [{ itemIdentifier: first(event) }, { itemIdentifier: "other" }],
      }),
      2,
    ],
  ])("%s", async (_, handler, expected) => {
    await send("a");
    await send("b");
    const { batches, until } = start(handler);
    await until(() => batches.length === 1);
    await idle();
    expect(await left()).toBe(expected);
  });
});

it("logs an invocation that times out, and leaves its messages on the queue", async () => {
  await send("slow");
  const forever = () => new Promise(() => undefined);
  const { faults, until } = start(forever, {
    function: { name: "worker", timeoutMs: 10, handler: forever },
  });
  await until(() => faults.length === 1);
  expect(faults).toEqual(["function worker: Task timed out after 0.01 seconds"]);
  await idle();
  expect(await left()).toBe(1);
});

it("fills a batch with several receives, up to its size", async () => {
  for (let i = 0; i < 25; i++) await send(String(i));
  const { batches, until } = start(() => null, { batchSize: 15 });
  await until(() => batches.length === 2);
  expect(batches.map(({ length }) => length)).toEqual([15, 10]);
});

it("invokes up to its maximum concurrency", async () => {
  for (let i = 0; i < 6; i++) await send(String(i));
  const release = Promise.withResolvers<void>();
  let underWay = 0;
  let most = 0;
  const { batches, until } = start(
    async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await release.promise;
      underWay -= 1;
    },
    { batchSize: 1, maximumConcurrency: 3 },
  );
  await until(() => batches.length === 3);
  release.resolve();
  await until(() => batches.length === 6);
  expect(most).toBe(3);
});

it("stops after the last invocation, with its messages deleted", async () => {
  await send("first");
  const release = Promise.withResolvers<void>();
  const { batches, until } = start(() => release.promise);
  await until(() => batches.length === 1);
  let stopped = false;
  const stopping = mapping?.stop().then(() => {
    stopped = true;
  });
  await send("second");
  expect(stopped).toBe(false);
  release.resolve();
  await stopping;
  expect(batches).toHaveLength(1);
  expect(await left()).toBe(1);
});

it("stops while it waits, without receiving a message", async () => {
  start(() => null);
  await idle();
  await mapping?.stop();
  await clock.asleep(0);
  await send("later");
  expect(await left()).toBe(1);
});

it("logs that the queue does not respond, and tries again later", async () => {
  const pauses: number[] = [];
  const { faults, until } = start(() => null, {
    queueUrl: "http://127.0.0.1:1/000000000000/other",
    clock: { sleep: async (durationMs) => void pauses.push(durationMs) },
  });
  await until(() => faults.length === 2);
  expect(faults[0]).toContain("queue http://127.0.0.1:1/000000000000/other: ");
  expect(pauses[0]).toBe(1_000);
});
