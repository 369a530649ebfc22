import { CreateQueueCommand, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { AwsError, startAwsJsonServer } from "../../../bin/local/aws-json-server.ts";
import { startSqs } from "../../../bin/local/sqs.ts";
import { DeadlinePassed } from "../../../functions/adapters/http/deadline.ts";
import {
  type SqsRescueQueueOptions,
  sqsRescueQueue,
} from "../../../functions/adapters/rescue/rescue-queue.ts";
import { parseRescueRecord } from "../../../functions/adapters/rescue/rescue-record.ts";
import type { SealedTokenSet } from "../../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../../functions/domain/model/errors.ts";
import type { TokenSetCommit } from "../../../functions/domain/ports/connection-store.ts";
import { localSqsClient, manualClock, startSilentServer } from "../../support/local-aws-clients.ts";
import { connectionId, startMs, workspaceId } from "../../support/refresh-harness.ts";

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
const closing = <Server extends { close(): Promise<void> }>(server: Server): Server => {
  closers.push(() => server.close());
  return server;
};
const destroying = (client: SQSClient): SQSClient => {
  closers.push(() => client.destroy());
  return client;
};
const clientOf = (endpoint: string): SQSClient => destroying(localSqsClient(endpoint));

const commit: TokenSetCommit = {
  ...{ connectionId, workspaceId, expectedVersion: 7, version: 8 },
  credentials: "eyJhbGciOiJkaXIifQ..aXZpdml2.Y2lwaGVydGV4dA.dGFndGFn" as SealedTokenSet,
  expiresAtMs: startMs + 3_600_000,
  refreshTokenExpiresAtMs: undefined,
  refreshTokenAbsoluteExpiresAtMs: undefined,
  committedAtMs: startMs,
  status: "active",
  due: { refreshAtMs: startMs + 3_000_000, refreshShard: 3 },
};
const keepAt = (endpoint: string, options: Partial<SqsRescueQueueOptions> = {}) =>
  sqsRescueQueue({
    client: async () => clientOf(endpoint),
    queueUrl: `${endpoint}/000000000000/rescue`,
    // A generous timeout, for the tests in which the message has to arrive. The others set their own.
    timeoutMs: 30_000,
    ...options,
  }).keep(commit);

it("stores a token set that is read back unchanged", async () => {
  const { endpoint } = closing(await startSqs());
  const client = clientOf(endpoint);
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: "rescue" }));
  await keepAt(endpoint);
  const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages.map(({ Body }) => parseRescueRecord(Body))).toEqual([commit]);
});

it("delivers it once the process that received it can no longer commit it", async () => {
  const clock = manualClock(startMs);
  const { endpoint } = closing(await startSqs({ clock }));
  const client = clientOf(endpoint);
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: "rescue" }));
  await keepAt(endpoint, { delayMs: 19_500 });
  const receive = () => client.send(new ReceiveMessageCommand({ QueueUrl }));
  clock.advance(19_999);
  expect((await receive()).Messages ?? []).toEqual([]);
  clock.advance(1);
  expect((await receive()).Messages).toHaveLength(1);
});

describe("is unavailable:", () => {
  const answering = (code: string, status: number) => async (): Promise<string> => {
    const SendMessage = () => {
      throw new AwsError(code, "not now", status);
    };
    const options = { targetPrefix: "AmazonSQS", operations: { SendMessage } };
    return closing(await startAwsJsonServer(options)).endpoint;
  };
  it.each<[string, () => Promise<string>]>([
    ["throttled", answering("RequestThrottled", 403)],
    ["failing", answering("InternalFailure", 500)],
    ["silent", async () => closing(await startSilentServer()).endpoint],
  ])("%s", async (_, start) => {
    const endpoint = await start();
    const client = async () => destroying(localSqsClient(endpoint, 200));
    await expect(keepAt(endpoint, { client })).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it("slower than the invocation can wait, whatever the client's own timeouts", async () => {
    const { endpoint } = closing(await startSilentServer());
    const keeping = keepAt(endpoint, { timeoutMs: 20 });
    await expect(keeping).rejects.toMatchObject({
      name: "StoreUnavailable",
      cause: expect.any(DeadlinePassed),
    });
  });

  it("a client that is not loaded in time", async () => {
    const client = () => new Promise<never>(() => undefined);
    const keeping = keepAt("http://127.0.0.1:1", { client, timeoutMs: 20 });
    await expect(keeping).rejects.toBeInstanceOf(StoreUnavailable);
  });
});

it("throws a permanent error unchanged", async () => {
  const { endpoint } = closing(await startSqs());
  await expect(keepAt(endpoint)).rejects.toMatchObject({ name: "QueueDoesNotExist" });
});
