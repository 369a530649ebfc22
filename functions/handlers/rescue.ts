import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { withConcurrency } from "../domain/concurrency.ts";
import type { TokenSetCommit } from "../domain/ports.ts";
import type { RescueTokens } from "../domain/rescue.ts";
import { requestScope } from "../request-scope.ts";
import type { Log } from "../telemetry.ts";

export interface RescueHandlerDependencies {
  readonly rescueTokens: RescueTokens;
  /** @throws an error that names the member at fault, and shows no value */
  readonly parseRecord: (body: string) => TokenSetCommit;
  readonly log: Log;
}

/**
 * Commits the token sets of a batch. One that cannot be committed now returns to its queue; what is no
 * record does so too, and ends in the dead-letter queue, where a person sees it.
 */
export const rescueHandler =
  (dependencies: RescueHandlerDependencies) =>
  async (
    { Records }: SQSEvent,
    { awsRequestId: lambdaRequestId }: Context,
  ): Promise<SQSBatchResponse> => {
    const batchItemFailures: { itemIdentifier: string }[] = [];
    await withConcurrency(Records, Records.length, async (record) => {
      const { messageId } = record;
      const isDone = await requestScope.run({ requestId: messageId, lambdaRequestId }, () =>
        rescue(dependencies, record),
      );
      if (!isDone) batchItemFailures.push({ itemIdentifier: messageId });
    });
    return { batchItemFailures };
  };

async function rescue(
  { rescueTokens, parseRecord, log }: RescueHandlerDependencies,
  { body }: SQSRecord,
): Promise<boolean> {
  let commit: TokenSetCommit;
  try {
    commit = parseRecord(body);
  } catch (error) {
    log("message.rejected", { error });
    return false;
  }
  try {
    await rescueTokens(commit);
    return true;
  } catch (error) {
    const { connectionId: connection_id, workspaceId: workspace_id } = commit;
    log("message.returned", { connection_id, workspace_id, error });
    return false;
  }
}
