import { setTimeout as sleep } from "node:timers/promises";
import { GetQueueAttributesCommand, SetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { createQueues } from "../../bin/local/queues.ts";
import { startSqs } from "../../bin/local/sqs.ts";
import { localSqsClient } from "./local-aws-clients.ts";
import { type Passing, startRecordingProxy } from "./recording-proxy.ts";

/** The queues of the service, in a process that outlives it. A message is delivered again after a second. */
export interface LocalQueues {
  /** The variables with which the service uses them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Bodies of the requests that SQS has responded to, messages included. */
  readonly answered: readonly string[];
  /** The number of messages in the rescue queue, received or not. */
  rescues(): Promise<number>;
  /** Resolves when the rescue queue is empty. */
  drained(): Promise<void>;
  close(): Promise<void>;
}

/** @param interrupts as for {@link startRecordingProxy}, between the service and SQS */
export async function startLocalQueues(
  interrupts?: (passing: Passing) => boolean,
): Promise<LocalQueues> {
  const sqs = await startSqs();
  const client = localSqsClient(sqs.endpoint);
  const { refreshQueueUrl, rescueQueueUrl } = await createQueues(sqs.endpoint);
  for (const QueueUrl of [refreshQueueUrl, rescueQueueUrl]) {
    const Attributes = { VisibilityTimeout: "1" };
    await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
  }
  const proxy = await startRecordingProxy(sqs.endpoint, interrupts);
  const rescues = async (): Promise<number> => {
    const command = new GetQueueAttributesCommand({
      ...{ QueueUrl: rescueQueueUrl, AttributeNames: ["All"] },
    });
    const { Attributes = {} } = await client.send(command);
    const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = Attributes;
    return Number(ApproximateNumberOfMessages) + Number(ApproximateNumberOfMessagesNotVisible);
  };
  return {
    environment: {
      AWS_ENDPOINT_URL_SQS: proxy.url,
      REFRESH_QUEUE_URL: refreshQueueUrl,
      RESCUE_QUEUE_URL: rescueQueueUrl,
    },
    answered: proxy.answered,
    rescues,
    drained: async () => {
      while ((await rescues()) > 0) await sleep(50);
    },
    close: async () => {
      client.destroy();
      await proxy.close();
      await sqs.close();
    },
  };
}
