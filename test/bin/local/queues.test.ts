import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { createQueues } from "../../../bin/local/queues.ts";
import { type LocalSqs, startSqs } from "../../../bin/local/sqs.ts";
import { localSqsClient } from "../../support/local-aws-clients.ts";

let sqs: LocalSqs;
let client: SQSClient;
beforeEach(async () => {
  sqs = await startSqs();
  client = localSqsClient(sqs.endpoint);
});
afterEach(async () => {
  client.destroy();
  await sqs.close();
});

async function attributesOf(QueueUrl: string) {
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] });
  return (await client.send(command)).Attributes ?? {};
}

test("each queue has a dead-letter queue of its own, and time for its function", async () => {
  const { refreshQueueUrl, rescueQueueUrl } = await createQueues(sqs.endpoint);
  for (const [url, name] of [
    [refreshQueueUrl, "refresh"],
    [rescueQueueUrl, "rescue"],
  ] as const) {
    const { QueueUrl = "" } = await client.send(
      new GetQueueUrlCommand({ QueueName: `${name}-dead-letters` }),
    );
    const { RedrivePolicy = "", VisibilityTimeout } = await attributesOf(url);
    const { QueueArn } = await attributesOf(QueueUrl);
    expect(JSON.parse(RedrivePolicy).deadLetterTargetArn).toBe(QueueArn);
    expect(Number(VisibilityTimeout)).toBeGreaterThanOrEqual(10);
  }
});

test("those that an earlier start made are used, and brought up to date", async () => {
  const Attributes = { VisibilityTimeout: "1" };
  const { QueueUrl } = await client.send(
    new CreateQueueCommand({ QueueName: "rescue", Attributes }),
  );
  const first = await createQueues(sqs.endpoint);
  expect(first.rescueQueueUrl).toBe(QueueUrl);
  expect(await attributesOf(first.rescueQueueUrl)).toMatchObject({
    VisibilityTimeout: "10",
    RedrivePolicy: expect.stringContaining("rescue-dead-letters"),
  });
  expect(await createQueues(sqs.endpoint)).toEqual(first);
});
