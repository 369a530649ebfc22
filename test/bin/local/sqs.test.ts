import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  PurgeQueueCommand,
  type QueueAttributeName,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SendMessageCommandInput,
  SetQueueAttributesCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { type SqsOptions, startSqs } from "../../../bin/local/sqs.ts";
import { localSqsClient, type ManualClock, manualClock } from "../../support/local-aws-clients.ts";

/** One queue, with its client's commands as functions. */
interface Bench {
  readonly client: SQSClient;
  readonly clock: ManualClock;
  readonly queueUrl: string;
  create(name: string, attributes?: Partial<Record<QueueAttributeName, string>>): Promise<string>;
  send(body: string, rest?: Partial<SendMessageCommandInput>): Promise<string | undefined>;
  receive(rest?: Partial<ReceiveMessageCommandInput>): Promise<readonly Message[]>;
  bodies(rest?: Partial<ReceiveMessageCommandInput>): Promise<readonly (string | undefined)[]>;
  /** Waiting, delayed, in flight. */
  counts(queueUrl?: string): Promise<readonly number[]>;
}

const second = 1_000;

async function withSqs(
  use: (bench: Bench) => Promise<void>,
  options: SqsOptions & { readonly clock?: ManualClock } = {},
): Promise<void> {
  const { clock = manualClock() } = options;
  const sqs = await startSqs({ ...options, clock });
  const client = localSqsClient(sqs.endpoint);
  const create: Bench["create"] = async (QueueName, Attributes) => {
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName, Attributes }));
    return QueueUrl ?? "";
  };
  const queueUrl = await create("work");
  const receive: Bench["receive"] = async (rest) => {
    const input = { QueueUrl: queueUrl, MaxNumberOfMessages: 10, ...rest };
    return (await client.send(new ReceiveMessageCommand(input))).Messages ?? [];
  };
  try {
    await use({
      ...{ client, clock, queueUrl, create, receive },
      send: async (MessageBody, rest) => {
        const input = { QueueUrl: queueUrl, MessageBody, ...rest };
        return (await client.send(new SendMessageCommand(input))).MessageId;
      },
      bodies: async (rest) => (await receive(rest)).map(({ Body }) => Body),
      counts: async (QueueUrl = queueUrl) => {
        const input = { QueueUrl, AttributeNames: ["All" as const] };
        const { Attributes = {} } = await client.send(new GetQueueAttributesCommand(input));
        return ["", "Delayed", "NotVisible"].map((suffix) =>
          Number(Attributes[`ApproximateNumberOfMessages${suffix}` as QueueAttributeName]),
        );
      },
    });
  } finally {
    client.destroy();
    await sqs.close();
  }
}

describe("a message", () => {
  it("arrives as it was sent, with its system attributes", () =>
    withSqs(async ({ clock, send, receive }) => {
      const sentAtMs = clock.nowMs();
      const id = await send("grüße {}", { MessageGroupId: "acme" });
      clock.advance(5 * second);
      const [message, ...others] = await receive({ MessageSystemAttributeNames: ["All"] });
      expect(others).toEqual([]);
      expect(message).toMatchObject({
        MessageId: id,
        Body: "grüße {}",
        Attributes: {
          SentTimestamp: String(sentAtMs),
          ApproximateReceiveCount: "1",
          ApproximateFirstReceiveTimestamp: String(sentAtMs + 5 * second),
          MessageGroupId: "acme",
          SenderId: expect.any(String),
        },
      });
    }));

  it("has only the requested attributes", () =>
    withSqs(async ({ send, receive }) => {
      await send("m");
      expect((await receive())[0]).not.toHaveProperty("Attributes.SentTimestamp");
    }));

  it("is hidden for the visibility timeout, and then received again, counted", () =>
    withSqs(async ({ clock, send, receive, bodies }) => {
      await send("m");
      expect(await bodies()).toEqual(["m"]);
      clock.advance(30 * second - 1);
      expect(await bodies()).toEqual([]);
      clock.advance(1);
      const [again] = await receive({ MessageSystemAttributeNames: ["ApproximateReceiveCount"] });
      expect(again?.Attributes).toEqual({ ApproximateReceiveCount: "2" });
    }));

  it("is gone once it is deleted", () =>
    withSqs(async ({ client, clock, queueUrl, send, receive, bodies, counts }) => {
      await send("m");
      const [{ ReceiptHandle } = {}] = await receive();
      await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
      clock.advance(60 * second);
      expect(await bodies()).toEqual([]);
      expect(await counts()).toEqual([0, 0, 0]);
    }));

  it("is not deleted with the receipt handle of an earlier receive", () =>
    withSqs(async ({ client, clock, queueUrl, send, receive, counts }) => {
      await send("m");
      const [{ ReceiptHandle } = {}] = await receive();
      clock.advance(30 * second);
      await receive();
      await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
      expect(await counts()).toEqual([0, 0, 1]);
    }));

  it("can be hidden for longer, or made visible at once", () =>
    withSqs(async ({ client, clock, queueUrl, send, receive, bodies }) => {
      await send("m");
      const [{ ReceiptHandle } = {}] = await receive();
      const change = (VisibilityTimeout: number) =>
        client.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: queueUrl,
            ReceiptHandle,
            VisibilityTimeout,
          }),
        );
      await change(100);
      clock.advance(99 * second);
      expect(await bodies()).toEqual([]);
      await change(0);
      expect(await bodies()).toEqual(["m"]);
      await expect(change(10)).rejects.toMatchObject({ name: "MessageNotInflight" });
    }));

  it("is delayed by the queue's delay, unless it has its own", () =>
    withSqs(async ({ clock, create, send, bodies, counts }) => {
      const QueueUrl = await create("slow", { DelaySeconds: "10" });
      await send("queue's", { QueueUrl });
      await send("own", { QueueUrl, DelaySeconds: 20 });
      await send("none", { QueueUrl, DelaySeconds: 0 });
      expect(await counts(QueueUrl)).toEqual([1, 2, 0]);
      expect(await bodies({ QueueUrl })).toEqual(["none"]);
      clock.advance(10 * second);
      expect(await bodies({ QueueUrl })).toEqual(["queue's"]);
      clock.advance(10 * second);
      expect(await bodies({ QueueUrl })).toEqual(["own"]);
    }));

  it("is deleted when its retention ends, even in flight", () =>
    withSqs(async ({ clock, create, send, bodies, counts }) => {
      const QueueUrl = await create("short", { MessageRetentionPeriod: "60" });
      await send("in flight", { QueueUrl });
      expect(await bodies({ QueueUrl, VisibilityTimeout: 600 })).toEqual(["in flight"]);
      await send("waiting", { QueueUrl });
      clock.advance(60 * second);
      expect(await bodies({ QueueUrl })).toEqual([]);
      expect(await counts(QueueUrl)).toEqual([0, 0, 0]);
    }));
});

describe("a dead-letter queue", () => {
  const redriven = async ({ client, create }: Bench): Promise<readonly [string, string]> => {
    const dead = await create("dead", { MessageRetentionPeriod: "1209600" });
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: dead, AttributeNames: ["QueueArn"] }),
    );
    const policy = { deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 2 };
    return [await create("live", { RedrivePolicy: JSON.stringify(policy) }), dead];
  };

  it("receives a message that was received too often", () =>
    withSqs(async (bench) => {
      const { clock, send, bodies, receive } = bench;
      const [QueueUrl, dead] = await redriven(bench);
      const sentAtMs = clock.nowMs();
      const id = await send("poison", { QueueUrl });
      for (let i = 0; i < 2; i++) {
        expect(await bodies({ QueueUrl })).toEqual(["poison"]);
        clock.advance(30 * second);
      }
      expect(await bodies({ QueueUrl: dead })).toEqual([]);
      expect(await bodies({ QueueUrl })).toEqual([]);
      const [letter] = await receive({
        QueueUrl: dead,
        MessageSystemAttributeNames: ["SentTimestamp"],
      });
      expect(letter).toMatchObject({
        ...{ MessageId: id, Body: "poison" },
        Attributes: { SentTimestamp: String(sentAtMs) },
      });
    }));

  it("receives no deleted message, and does not delay others", () =>
    withSqs(async (bench) => {
      const { clock, send, bodies, counts } = bench;
      const [QueueUrl, dead] = await redriven(bench);
      await send("poison", { QueueUrl });
      for (let i = 0; i < 2; i++) {
        await bodies({ QueueUrl });
        clock.advance(30 * second);
      }
      await send("fine", { QueueUrl });
      expect(await bodies({ QueueUrl })).toEqual(["fine"]);
      expect(await counts(dead)).toEqual([1, 0, 0]);
    }));

  it("has to exist", () =>
    withSqs(async ({ create }) => {
      const policy = {
        deadLetterTargetArn: "arn:aws:sqs:us-east-1:000000000000:none",
        maxReceiveCount: 2,
      };
      const creating = create("live", { RedrivePolicy: JSON.stringify(policy) });
      await expect(creating).rejects.toMatchObject({ name: "InvalidParameterValue" });
    }));
});

describe("long polling", () => {
  it("ends with the first message that is sent", () =>
    withSqs(async ({ clock, send, bodies }) => {
      const receiving = bodies({ WaitTimeSeconds: 20 });
      await clock.asleep(1);
      await send("m");
      expect(await receiving).toEqual(["m"]);
    }));

  it("ends with the first message that becomes visible again", () =>
    withSqs(async ({ clock, send, bodies }) => {
      const receiving = bodies({ WaitTimeSeconds: 20 });
      await clock.asleep(1);
      await send("m", { DelaySeconds: 2 });
      await clock.asleep(1);
      clock.advance(2 * second);
      expect(await receiving).toEqual(["m"]);
    }));

  it("ends without a message when its time is over", () =>
    withSqs(async ({ clock, bodies }) => {
      const receiving = bodies({ WaitTimeSeconds: 20 });
      await clock.asleep(1);
      clock.advance(20 * second);
      expect(await receiving).toEqual([]);
    }));

  it("receives nothing for a client that has disconnected", () =>
    withSqs(async ({ client, clock, queueUrl, send, counts }) => {
      const gone = new AbortController();
      const command = new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 20 });
      const receiving = client.send(command, { abortSignal: gone.signal });
      await clock.asleep(1);
      gone.abort();
      await expect(receiving).rejects.toMatchObject({ name: "AbortError" });
      await clock.asleep(0);
      await send("m");
      expect(await counts()).toEqual([1, 0, 0]);
    }));
});

describe("batches", () => {
  const entry = (Id: string, MessageBody = Id) => ({ Id, MessageBody });
  const sendBatch = (
    { client, queueUrl }: Bench,
    Entries: { Id: string; MessageBody: string; DelaySeconds?: number }[],
  ) => client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));

  it("are sent and deleted, each entry by itself", () =>
    withSqs(async (bench) => {
      const { client, queueUrl, receive, counts } = bench;
      const sent = await sendBatch(bench, [
        entry("a"),
        entry("b", "\u0000"),
        { ...entry("c"), DelaySeconds: 901 },
      ]);
      expect(sent.Successful).toMatchObject([{ Id: "a" }]);
      expect(sent.Failed).toMatchObject([
        { Id: "b", SenderFault: true, Code: "InvalidMessageContents" },
        { Id: "c", SenderFault: true, Code: "InvalidParameterValue" },
      ]);
      const [{ ReceiptHandle } = {}] = await receive();
      const Entries = [
        { Id: "a", ReceiptHandle },
        { Id: "x", ReceiptHandle: "nonsense" },
      ];
      const deleted = await client.send(
        new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }),
      );
      expect(deleted.Successful).toMatchObject([{ Id: "a" }]);
      expect(deleted.Failed).toMatchObject([{ Id: "x", Code: "ReceiptHandleIsInvalid" }]);
      expect(await counts()).toEqual([0, 0, 0]);
    }));

  it("of 1 MiB are accepted, even if JSON makes them longer", () =>
    withSqs(async (bench) => {
      const half = "\n".repeat(512 * 1024);
      await sendBatch(bench, [entry("a", half), entry("b", half)]);
      expect(await bench.bodies()).toEqual([half, half]);
      await expect(
        sendBatch(bench, [entry("a", half), entry("b", `${half}.`)]),
      ).rejects.toMatchObject({ name: "BatchRequestTooLong" });
    }));

  it.each([
    ["EmptyBatchRequest", []],
    ["TooManyEntriesInBatchRequest", Array.from({ length: 11 }, (_, i) => entry(`${i}`))],
    ["BatchEntryIdsNotDistinct", [entry("a"), entry("a")]],
    ["InvalidBatchEntryId", [entry("a b")]],
  ])("are rejected as a whole: %s", (name, entries) =>
    withSqs(async (bench) => {
      await expect(sendBatch(bench, entries)).rejects.toMatchObject({
        name,
        Code: `AWS.SimpleQueueService.${name}`,
      });
      expect(await bench.counts()).toEqual([0, 0, 0]);
    }),
  );
});

it("a noisy group waits while others do", () =>
  withSqs(async ({ client, queueUrl, send, bodies }) => {
    for (let batch = 0; batch < 20; batch++) {
      const Entries = Array.from({ length: 10 }, (_, i) => ({
        ...{ Id: `${i}`, MessageBody: "flood", MessageGroupId: "loud" },
      }));
      await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    }
    for (let i = 0; i < 3; i++) await bodies();
    await send("quiet", { MessageGroupId: "quiet" });
    await send("alone");
    expect((await bodies()).slice(0, 3)).toEqual(["quiet", "alone", "flood"]);
  }));

it(
  "keeps 5,000 messages apart, whatever the order in which they go",
  () =>
    withSqs(async ({ client, clock, queueUrl, receive, counts }) => {
      const total = 5_000;
      const sendTen = (first: number) =>
        client.send(
          new SendMessageBatchCommand({
            QueueUrl: queueUrl,
            Entries: Array.from({ length: 10 }, (_, i) => ({
              Id: `${i}`,
              MessageBody: String(first + i),
              MessageGroupId: `group-${(first + i) % 7}`,
            })),
          }),
        );
      for (let first = 0; first < total; first += 10) await sendTen(first);
      const seen = new Set<string | undefined>();
      for (let round = 0; seen.size < total && round < 3; round++) {
        for (let got = await receive(); got.length > 0; got = await receive()) {
          // Every third message is left to its visibility timeout, and received again.
          const done = got.filter(({ Body }) => round > 0 || Number(Body) % 3 > 0);
          for (const { Body } of done) seen.add(Body);
          const Entries = done.map(({ ReceiptHandle }, i) => ({ Id: `${i}`, ReceiptHandle }));
          await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
        }
        clock.advance(30 * second);
      }
      expect(seen.size).toBe(total);
      expect(await counts()).toEqual([0, 0, 0]);
    }),
  60_000,
);

describe("queues", () => {
  it("are found by name, and created once", () =>
    withSqs(async ({ client, queueUrl, create }) => {
      expect(await create("work")).toBe(queueUrl);
      const found = await client.send(new GetQueueUrlCommand({ QueueName: "work" }));
      expect(found.QueueUrl).toBe(queueUrl);
      await expect(create("work", { DelaySeconds: "1" })).rejects.toMatchObject({
        name: "QueueNameExists",
      });
    }));

  it("change their attributes", () =>
    withSqs(async ({ client, clock, queueUrl, send, bodies }) => {
      const Attributes = { VisibilityTimeout: "5" };
      await client.send(new SetQueueAttributesCommand({ QueueUrl: queueUrl, Attributes }));
      await send("m");
      await bodies();
      clock.advance(5 * second);
      expect(await bodies()).toEqual(["m"]);
    }));

  it("are purged", () =>
    withSqs(async ({ client, queueUrl, send, bodies, counts }) => {
      await send("in flight");
      await bodies();
      await send("waiting");
      await client.send(new PurgeQueueCommand({ QueueUrl: queueUrl }));
      expect(await counts()).toEqual([0, 0, 0]);
    }));

  it("that do not exist are reported with the SDK's error", () =>
    withSqs(async ({ client, queueUrl }) => {
      const sending = client.send(
        new SendMessageCommand({ QueueUrl: `${queueUrl}-not`, MessageBody: "m" }),
      );
      await expect(sending).rejects.toBeInstanceOf(QueueDoesNotExist);
      await expect(sending).rejects.toMatchObject({
        Code: "AWS.SimpleQueueService.NonExistentQueue",
      });
    }));

  it.each([
    ["VisibilityTimeout", "43201"],
    ["MessageRetentionPeriod", "59"],
    ["DelaySeconds", "-1"],
    ["RedrivePolicy", "{}"],
    ["RedrivePolicy", "not JSON"],
    ["KmsMasterKeyId", "alias/aws/sqs"],
  ])("reject the attribute %s %s", (name, value) =>
    withSqs(async ({ create }) => {
      await expect(create("other", { [name]: value })).rejects.toMatchObject({
        name: expect.stringMatching(/^InvalidAttribute(?:Name|Value)$/),
      });
    }),
  );
});

describe("with a directory", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "sqs-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("continues after a restart with waiting, delayed and in-flight messages", async () => {
    const clock = manualClock();
    await withSqs(
      async ({ send, bodies }) => {
        await send("in flight");
        expect(await bodies()).toEqual(["in flight"]);
        await send("deleted later");
        await send("delayed", { DelaySeconds: 60 });
      },
      { directory, clock },
    );
    expect(readdirSync(directory).sort()).toEqual(["sqs-messages.jsonl", "sqs-queues.jsonl"]);
    expect(statSync(join(directory, "sqs-messages.jsonl")).mode & 0o777).toBe(0o600);
    await withSqs(
      async ({ client, queueUrl, receive, counts }) => {
        expect(await counts()).toEqual([1, 1, 1]);
        const [{ Body, ReceiptHandle } = {}] = await receive();
        expect(Body).toBe("deleted later");
        await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
      },
      { directory, clock },
    );
    await withSqs(
      async ({ bodies }) => {
        clock.advance(60 * second);
        expect([...(await bodies())].sort()).toEqual(["delayed", "in flight"]);
      },
      { directory, clock },
    );
  });
});
