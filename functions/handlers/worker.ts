import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { withConcurrency } from "../domain/concurrency.ts";
import type { Invocation } from "../domain/ports.ts";
import type { DueConnection } from "../domain/schedule-ports.ts";
import type { RefreshDue } from "../domain/worker.ts";
import { requestScope } from "../request-scope.ts";
import type { Log } from "../telemetry.ts";

export interface WorkerHandlerDependencies {
  readonly refreshDue: RefreshDue;
  /** @throws an error that names the member at fault, and shows no value */
  readonly parseMessage: (body: string) => DueConnection;
  /** Messages that are worked on at a time. */
  readonly concurrency: number;
  readonly log: Log;
}

/**
 * Refreshes what the messages of a batch name. A message that fails returns to its queue, and the others
 * are done: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export const workerHandler =
  (dependencies: WorkerHandlerDependencies) =>
  async ({ Records }: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
    const { awsRequestId: lambdaRequestId } = context;
    const invocation = { remainingMs: () => context.getRemainingTimeInMillis() };
    const batchItemFailures: { itemIdentifier: string }[] = [];
    await withConcurrency(Records, dependencies.concurrency, async (record) => {
      const { messageId } = record;
      const isDone = await requestScope.run({ requestId: messageId, lambdaRequestId }, () =>
        work(dependencies, record, invocation),
      );
      if (!isDone) batchItemFailures.push({ itemIdentifier: messageId });
    });
    return { batchItemFailures };
  };

async function work(
  { refreshDue, parseMessage, log }: WorkerHandlerDependencies,
  { body }: SQSRecord,
  invocation: Invocation,
): Promise<boolean> {
  let due: DueConnection;
  try {
    due = parseMessage(body);
  } catch (error) {
    log("message.rejected", { error });
    return false;
  }
  try {
    await refreshDue(due, invocation);
    return true;
  } catch (error) {
    const { connectionId: connection_id, workspaceId: workspace_id } = due;
    log("message.returned", { connection_id, workspace_id, error });
    return false;
  }
}
