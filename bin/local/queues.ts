import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  QueueNameExists,
  SetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { budgetFor, maximumProviderTimeoutSeconds } from "../../functions/domain/model/budget.ts";
import { redeliveryMs } from "../../functions/domain/model/take-over.ts";

export interface QueueUrls {
  readonly refreshQueueUrl: string;
  readonly rescueQueueUrl: string;
}

const refreshTimeoutMs = budgetFor(maximumProviderTimeoutSeconds).functionTimeoutMs;

/** Six times the function's timeout: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html */
const visibilityTimeout = (functionTimeoutMs: number): string =>
  String((6 * functionTimeoutMs) / 1000);

const twoWeeksSeconds = String(14 * 24 * 60 * 60);

/** Creates the service's queues, each with its dead-letter queue, or updates the attributes of those that exist. */
export async function createQueues(endpoint: string): Promise<QueueUrls> {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new SQSClient({ endpoint, region: "us-east-1", credentials });
  try {
    return {
      refreshQueueUrl: await createQueue(client, "refresh", {
        attributes: { VisibilityTimeout: visibilityTimeout(refreshTimeoutMs) },
        maxReceiveCount: 5,
      }),
      // The function sets a longer visibility timeout with the age of the token set.
      rescueQueueUrl: await createQueue(client, "rescue", {
        attributes: {
          VisibilityTimeout: String(redeliveryMs(0) / 1000),
          MessageRetentionPeriod: twoWeeksSeconds,
        },
        maxReceiveCount: 1_000,
      }),
    };
  } finally {
    client.destroy();
  }
}

interface QueueDescription {
  readonly attributes: Readonly<Record<string, string>>;
  readonly maxReceiveCount: number;
}

async function createQueue(
  client: SQSClient,
  name: string,
  { attributes, maxReceiveCount }: QueueDescription,
): Promise<string> {
  const deadLetterQueue = await ensureQueue(client, `${name}-dead-letters`, {
    MessageRetentionPeriod: twoWeeksSeconds,
  });
  const deadLetterTargetArn = await queueArn(client, deadLetterQueue);
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount });
  return ensureQueue(client, name, { ...attributes, RedrivePolicy });
}

async function ensureQueue(
  client: SQSClient,
  QueueName: string,
  Attributes: Readonly<Record<string, string>>,
): Promise<string> {
  try {
    const { QueueUrl = "" } = await client.send(new CreateQueueCommand({ QueueName, Attributes }));
    return QueueUrl;
  } catch (error) {
    if (!(error instanceof QueueNameExists)) throw error;
    // An earlier version of the service created it with other attributes.
    const { QueueUrl = "" } = await client.send(new GetQueueUrlCommand({ QueueName }));
    await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
    return QueueUrl;
  }
}

export async function queueArn(client: SQSClient, QueueUrl: string): Promise<string> {
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] });
  const { Attributes } = await client.send(command);
  return Attributes?.QueueArn ?? "";
}
