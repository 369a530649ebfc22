import { createHash } from "node:crypto";
import {
  CreateQueueCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import {
  AwsError,
  type AwsJson,
  type AwsJsonServer,
  startAwsJsonServer,
} from "../../../bin/local/aws-json-server.ts";
import { type LocalSqs, startSqs } from "../../../bin/local/sqs.ts";
import { parseRefreshMessage } from "../../../functions/adapters/sqs/refresh-message.ts";
import {
  type SqsRefreshQueueOptions,
  sqsRefreshQueue,
} from "../../../functions/adapters/sqs/refresh-queue.ts";
import type { ConnectionId } from "../../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../../functions/domain/model/errors.ts";
import type { DueConnection, RefreshQueue } from "../../../functions/domain/ports/schedule.ts";
import { localSqsClient, startSilentServer } from "../../support/local-aws-clients.ts";
import { startMs, workspaceId } from "../../support/refresh-harness.ts";

const clients: SQSClient[] = [];
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  for (const close of closers.splice(0)) await close();
});

const destroying = (client: SQSClient): SQSClient => {
  clients.push(client);
  return client;
};
const clientOf = (endpoint: string): SQSClient => destroying(localSqsClient(endpoint));
const impatient = (endpoint: string) => async () => destroying(localSqsClient(endpoint, 200));
const closing = <Server extends { close(): Promise<void> }>(server: Server): Server => {
  closers.push(() => server.close());
  return server;
};

const due = (count: number, integration = "acme"): DueConnection[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ connectionId: `conn_${i}` as ConnectionId, workspaceId, integration },
    refreshAtMs: startMs + i,
  }));

interface Bench {
  readonly queue: RefreshQueue;
  /** How long the queue waited between its attempts. */
  readonly delaysMs: number[];
}

function bench(endpoint: string, options: Partial<SqsRefreshQueueOptions> = {}): Bench {
  const delaysMs: number[] = [];
  const queue = sqsRefreshQueue({
    client: async () => clientOf(endpoint),
    queueUrl: `${endpoint}/000000000000/refresh`,
    clock: { sleep: async (durationMs) => void delaysMs.push(durationMs) },
    random: () => 0.5,
    ...options,
  });
  return { queue, delaysMs };
}

async function startQueue(): Promise<LocalSqs> {
  const sqs = closing(await startSqs());
  await clientOf(sqs.endpoint).send(new CreateQueueCommand({ QueueName: "refresh" }));
  return sqs;
}

async function received(endpoint: string) {
  const client = clientOf(endpoint);
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: "refresh" }));
  const all = [];
  for (;;) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        ...{ QueueUrl, MaxNumberOfMessages: 10, MessageSystemAttributeNames: ["All"] },
      }),
    );
    if (Messages.length === 0) return all;
    all.push(...Messages);
  }
}

/** An SQS whose SendMessageBatch responds as the test says. */
const sendingAs = async (
  answer: (entries: readonly AwsJson[], call: number) => AwsJson | Promise<AwsJson>,
): Promise<AwsJsonServer> => {
  let calls = 0;
  return closing(
    await startAwsJsonServer({
      targetPrefix: "AmazonSQS",
      operations: {
        SendMessageBatch: ({ Entries }) => {
          calls += 1;
          return answer(Entries as AwsJson[], calls);
        },
      },
    }),
  );
};
const taken = (entries: readonly AwsJson[]) => ({
  Successful: entries.map(({ Id, MessageBody }) => ({
    ...{ Id, MessageId: "m" },
    MD5OfMessageBody: createHash("md5").update(String(MessageBody)).digest("hex"),
  })),
});
const failed = (SenderFault: boolean) => (entries: readonly AwsJson[]) => ({
  Failed: entries.map(({ Id }) => ({ Id, SenderFault, Code: "Any", Message: "for a reason" })),
});

it("puts each connection on the queue as one message, in the group of its integration", async () => {
  const { endpoint } = await startQueue();
  const { queue } = bench(endpoint);
  const connections = [...due(25), ...due(3, "other")];
  expect(await queue.enqueue(connections)).toEqual([]);
  expect(await queue.depth()).toBe(28);
  const messages = await received(endpoint);
  expect(messages.map(({ Body = "" }) => parseRefreshMessage(Body))).toEqual(
    expect.arrayContaining(connections),
  );
  for (const { Body = "", Attributes } of messages) {
    expect(Attributes?.MessageGroupId).toBe(parseRefreshMessage(Body).integration);
  }
  expect(await queue.depth()).toBe(28);
});

it("sends no request where nothing is due", async () => {
  const { endpoint, requests } = await startQueue();
  expect(await bench(endpoint).queue.enqueue([])).toEqual([]);
  expect(requests()).not.toHaveProperty("SendMessageBatch");
});

it("sends at most the given number of batches at a time", async () => {
  let underWay = 0;
  let most = 0;
  const reached = Promise.withResolvers<void>();
  const server = await sendingAs(async (entries) => {
    underWay += 1;
    most = Math.max(most, underWay);
    if (underWay === 3) reached.resolve();
    await reached.promise;
    underWay -= 1;
    return taken(entries);
  });
  await bench(server.endpoint, { maximumInFlight: 3 }).queue.enqueue(due(200));
  expect(most).toBe(3);
});

it("sends only the unsent messages again, with a growing delay", async () => {
  const sizes: number[] = [];
  const server = await sendingAs((entries, call) => {
    sizes.push(entries.length);
    // The second response does not mention the rest, which counts as not sent.
    const rest = call === 2 ? {} : failed(false)(entries.slice(3));
    return { ...taken(entries.slice(0, 3)), ...rest };
  });
  const { queue, delaysMs } = bench(server.endpoint);
  expect(await queue.enqueue(due(11))).toEqual([]);
  expect(sizes.sort((a, b) => b - a)).toEqual([10, 7, 4, 1, 1]);
  expect(delaysMs).toEqual([100, 200, 400]);
});

it("returns the connections that are left after the last attempt", async () => {
  const server = await sendingAs((entries) => ({
    ...taken(entries.slice(0, 1)),
    ...failed(false)(entries.slice(1)),
  }));
  const { queue } = bench(server.endpoint, { attempts: 2 });
  expect(await queue.enqueue(due(10))).toEqual(due(10).slice(2));
});

it("returns the connections that SQS refuses, without sending them again", async () => {
  const server = await sendingAs((entries) => ({
    ...taken(entries.slice(0, 1)),
    ...failed(true)(entries.slice(1)),
  }));
  const { queue, delaysMs } = bench(server.endpoint);
  expect(await queue.enqueue(due(3))).toEqual(due(3).slice(1));
  expect(delaysMs).toEqual([]);
  expect(server.requests()).toEqual({ SendMessageBatch: 1 });
});

it("throws when SQS refuses all messages, as a queue of another kind does", async () => {
  const server = await sendingAs(failed(true));
  const { queue, delaysMs } = bench(server.endpoint);
  await expect(queue.enqueue(due(30))).rejects.toThrow(
    "the refresh queue refuses all 30 messages: Any: for a reason",
  );
  expect(delaysMs).toEqual([]);
});

const throttled = (): never => {
  throw new AwsError("RequestThrottled", "slow down", 403);
};

const broken = (): never => {
  throw new AwsError("InternalFailure", "try again", 500);
};

it("outlasts a transient throttle", async () => {
  const server = await sendingAs((entries, call) => (call < 3 ? throttled() : taken(entries)));
  const { queue, delaysMs } = bench(server.endpoint);
  expect(await queue.enqueue(due(10))).toEqual([]);
  expect(delaysMs).toEqual([100, 200]);
});

describe("is unavailable where no message could be sent:", () => {
  it.each<[string, () => Promise<string>]>([
    ["throttled", async () => (await sendingAs(throttled)).endpoint],
    ["failing", async () => (await sendingAs(broken)).endpoint],
    ["silent", async () => closing(await startSilentServer()).endpoint],
  ])("%s", async (_, start) => {
    const endpoint = await start();
    const options = { maximumInFlight: 1, attempts: 2, client: impatient(endpoint) };
    const { queue, delaysMs } = bench(endpoint, options);
    await expect(queue.enqueue(due(30))).rejects.toBeInstanceOf(StoreUnavailable);
    // One of three batches was tried, twice.
    expect(delaysMs).toHaveLength(1);
  });
});

it("returns the connections that were left when it became unavailable", async () => {
  const server = await sendingAs((entries, call) => (call > 1 ? throttled() : taken(entries)));
  const { queue } = bench(server.endpoint, { maximumInFlight: 1, attempts: 1 });
  expect(await queue.enqueue(due(30))).toEqual(due(30).slice(10));
});

it("throws when this role may not use it", async () => {
  const server = await sendingAs(() => {
    throw new AwsError("AccessDeniedException", "no", 400);
  });
  const { queue, delaysMs } = bench(server.endpoint);
  await expect(queue.enqueue(due(10))).rejects.toMatchObject({ name: "AccessDeniedException" });
  expect(delaysMs).toEqual([]);
});

it("has no depth while SQS does not respond", async () => {
  const { endpoint } = closing(await startSilentServer());
  const { queue } = bench(endpoint, { client: impatient(endpoint) });
  await expect(queue.depth()).rejects.toBeInstanceOf(StoreUnavailable);
});
