import type { SQSClient } from "@aws-sdk/client-sqs";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import type { TokenSetCommit } from "../../domain/ports/connection-store.ts";
import type { RescueQueue } from "../../domain/ports/rescue-queue.ts";
import { asStoreUnavailable, urgentSqsClient } from "../aws/clients.ts";
import { DeadlinePassed, deadlineIn } from "../http/deadline.ts";
import { rescueRecord } from "./rescue-record.ts";

export interface SqsRescueQueueOptions {
  /** Called once, on first use: most processes never rescue a token set. @default urgentSqsClient */
  readonly client?: () => Promise<SQSClient>;
  readonly queueUrl: string;
  /**
   * From the loading of the client to the acknowledgement. The rest of the second that an invocation keeps at its end
   * is for the record of last resort and the response. @default 700
   */
  readonly timeoutMs?: number;
  /**
   * How long the queue keeps the message before it delivers it, at most 15 minutes. Until the lease ends, the process
   * that received the token set may still commit it. @default 0
   */
  readonly delayMs?: number;
}

/** The rescue queue in SQS. A message holds the record of a token set, whose credentials are ciphertext. */
export function sqsRescueQueue({
  client = urgentSqsClient,
  queueUrl,
  timeoutMs = 700,
  delayMs = 0,
}: SqsRescueQueueOptions): RescueQueue {
  let loading: Promise<SQSClient> | undefined;
  const send = async (commit: TokenSetCommit, signal: AbortSignal): Promise<void> => {
    loading ??= client();
    const { SendMessageCommand } = await import("@aws-sdk/client-sqs");
    const MessageBody = JSON.stringify(rescueRecord(commit));
    const DelaySeconds = Math.ceil(delayMs / 1000);
    const command = new SendMessageCommand({ QueueUrl: queueUrl, MessageBody, DelaySeconds });
    await (await loading).send(command, { abortSignal: signal });
  };
  return {
    async keep(commit) {
      const sending = new AbortController();
      const deadline = deadlineIn(timeoutMs);
      try {
        const sent = asStoreUnavailable(store, () => send(commit, sending.signal));
        await Promise.race([sent, deadline.passed]);
      } catch (error) {
        throw error instanceof DeadlinePassed ? new StoreUnavailable(store, error) : error;
      } finally {
        deadline.clear();
        sending.abort();
      }
    },
  };
}

const store = "the rescue queue";
