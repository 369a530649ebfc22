import type { SQSClient } from "@aws-sdk/client-sqs";
import { asStoreUnavailable } from "../aws/clients.ts";

export interface SqsRedeliveryOptions {
  readonly client: () => Promise<SQSClient>;
  readonly queueUrl: string;
}

/**
 * Sets when a message that is being worked on is delivered again, unless it is deleted before.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
 *
 * @param delayMs from now; whole seconds are used, up to twelve hours
 * @throws {StoreUnavailable}
 */
export type SetRedelivery = (receiptHandle: string, delayMs: number) => Promise<void>;

export function sqsRedelivery({ client, queueUrl }: SqsRedeliveryOptions): SetRedelivery {
  let loading: Promise<SQSClient> | undefined;
  return async (receiptHandle, delayMs) => {
    const { ChangeMessageVisibilityCommand } = await import("@aws-sdk/client-sqs");
    loading ??= client();
    const command = new ChangeMessageVisibilityCommand({
      QueueUrl: queueUrl,
      ReceiptHandle: receiptHandle,
      VisibilityTimeout: Math.floor(delayMs / 1000),
    });
    const sqs = await loading;
    await asStoreUnavailable("the rescue queue", () => sqs.send(command));
  };
}
