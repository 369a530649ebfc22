import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { withConcurrency } from "../domain/async/concurrency.ts";
import type { ConnectionKey } from "../domain/model/connection.ts";
import type { Invocation } from "../domain/ports/clock.ts";
import type { Log } from "../telemetry/log.ts";
import { requestScope } from "../telemetry/request-scope.ts";

export interface SqsBatch<Message extends ConnectionKey> {
  /** @throws an error that names the member at fault, and shows no value */
  readonly parse: (body: string) => Message;
  /** Runs before the work, with the receipt handle of the message. An error is logged, and the work goes on. */
  readonly prepare?: (message: Message, receiptHandle: string) => Promise<void>;
  /** @throws an error: the message has to come again */
  readonly work: (message: Message, invocation: Invocation) => Promise<unknown>;
  /** How many messages are worked on at a time. @default all of a batch */
  readonly concurrency?: number;
  readonly log: Log;
}

/**
 * Works on the messages of a batch. A message that fails returns to its queue, and the others are done:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 * A malformed message returns as well, and ends in the dead-letter queue, where a person sees it.
 */
export const sqsBatchHandler =
  <Message extends ConnectionKey>(batch: SqsBatch<Message>) =>
  async ({ Records }: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const { awsRequestId: lambdaRequestId } = context;
    const invocation = { remainingMs: () => context.getRemainingTimeInMillis() };
    const batchItemFailures: { itemIdentifier: string }[] = [];
    const { concurrency = Records.length } = batch;
    await withConcurrency(Records, concurrency, async ({ messageId, body, receiptHandle }) => {
      const isDone = await requestScope.run({ requestId: messageId, lambdaRequestId }, () =>
        workOn(batch, { body, receiptHandle }, invocation),
      );
      if (!isDone) batchItemFailures.push({ itemIdentifier: messageId });
    });
    return { batchItemFailures };
  };

async function workOn<Message extends ConnectionKey>(
  { parse, prepare, work, log }: SqsBatch<Message>,
  { body, receiptHandle }: Pick<SQSRecord, "body" | "receiptHandle">,
  invocation: Invocation,
): Promise<boolean> {
  let message: Message;
  try {
    message = parse(body);
  } catch (error) {
    log("message.rejected", { error });
    return false;
  }
  const { connectionId: connection_id, workspaceId: workspace_id } = message;
  try {
    await prepare?.(message, receiptHandle);
  } catch (error) {
    log("message.unprepared", { connection_id, workspace_id, error });
  }
  try {
    await work(message, invocation);
    return true;
  } catch (error) {
    log("message.returned", { connection_id, workspace_id, error });
    return false;
  }
}
