import { createHash } from "node:crypto";
import type { Clock } from "../../functions/domain/ports/clock.ts";
import { nullish, object } from "../../functions/validation/structures.ts";
import { integer } from "../../functions/validation/values.ts";
import { AwsError, type AwsJson } from "./aws-json-server.ts";
import { text } from "./parameters.ts";
import { inMs, messageInput, readParameters } from "./sqs-input.ts";
import type { MessageQueue, QueueMessage, QueueSettings } from "./sqs-queue.ts";

const maximumVisibilitySeconds = 43_200;

export function sendMessage(messages: MessageQueue, input: AwsJson): AwsJson {
  const { body, groupId, delayMs } = messageInput(input);
  const { id } = messages.send(body, groupId, delayMs);
  return { MessageId: id, MD5OfMessageBody: md5(body) };
}

const md5 = (text: string): string => createHash("md5").update(text).digest("hex");

export interface ReceiveOptions {
  readonly clock: Clock;
  readonly messages: MessageQueue;
  readonly settings: QueueSettings;
  /** The sender that every message states. */
  readonly senderId: string;
}

const receiveParameters = object({
  MaxNumberOfMessages: nullish(integer(1, 10)),
  VisibilityTimeout: nullish(integer(0, maximumVisibilitySeconds)),
  WaitTimeSeconds: nullish(integer(0, 20)),
});

export async function receiveMessages(
  { clock, messages, settings, senderId }: ReceiveOptions,
  input: AwsJson,
  disconnected: AbortSignal,
): Promise<AwsJson> {
  const parameters = readParameters(receiveParameters, input);
  const { MaxNumberOfMessages: maximum = 1 } = parameters;
  const visibilityMs = inMs(parameters.VisibilityTimeout);
  const waitMs = inMs(parameters.WaitTimeSeconds) ?? settings.receiveWaitMs;
  const endsAtMs = clock.nowMs() + waitMs;
  const names = input.MessageSystemAttributeNames ?? input.AttributeNames;
  while (!disconnected.aborted) {
    const received = messages.receive(maximum, visibilityMs);
    if (received.length > 0)
      return { Messages: received.map((one) => messageJson(one, senderId, names)) };
    if (clock.nowMs() >= endsAtMs) break;
    await nextChange(clock, messages, endsAtMs, disconnected);
  }
  return {};
}

/** Resolves when there may be a message to receive, or when the wait is over. */
async function nextChange(
  clock: Clock,
  messages: MessageQueue,
  endsAtMs: number,
  disconnected: AbortSignal,
): Promise<void> {
  const waiting = new AbortController();
  const untilMs = Math.min(endsAtMs, messages.nextTimerAtMs() ?? endsAtMs);
  const either = AbortSignal.any([waiting.signal, disconnected]);
  await Promise.race([messages.changed(), clock.sleep(untilMs - clock.nowMs(), either)]);
  waiting.abort();
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html */
function messageJson(message: QueueMessage, senderId: string, names: unknown): AwsJson {
  const { id, body, groupId, sentAtMs, receiveCount, firstReceivedAtMs } = message;
  const attributes = Object.entries({
    SenderId: senderId,
    SentTimestamp: String(sentAtMs),
    ApproximateReceiveCount: String(receiveCount),
    ApproximateFirstReceiveTimestamp: String(firstReceivedAtMs),
    ...(groupId !== undefined && { MessageGroupId: groupId }),
  });
  return {
    MessageId: id,
    ReceiptHandle: Buffer.from(`${id} ${receiveCount}`).toString("base64url"),
    Body: body,
    MD5OfBody: md5(body),
    Attributes: Object.fromEntries(attributes.filter(([name]) => isRequested(names, name))),
  };
}

const receiptParameters = object({ ReceiptHandle: text });

function receiptOf(input: AwsJson): { readonly id: string; readonly receiveCount: number } {
  const { ReceiptHandle: handle } = readParameters(receiptParameters, input);
  const [, id, count] =
    /^([0-9a-f-]{36}) (\d+)$/.exec(Buffer.from(handle, "base64url").toString()) ?? [];
  if (id === undefined) throw new AwsError("ReceiptHandleIsInvalid", "not a receipt handle", 404);
  return { id, receiveCount: Number(count) };
}

export function deleteMessage(messages: MessageQueue, input: AwsJson): AwsJson {
  const { id, receiveCount } = receiptOf(input);
  messages.delete(id, receiveCount);
  return {};
}

const visibilityParameters = object({ VisibilityTimeout: integer(0, maximumVisibilitySeconds) });

export function changeVisibility(messages: MessageQueue, input: AwsJson): AwsJson {
  const { id, receiveCount } = receiptOf(input);
  const { VisibilityTimeout: seconds } = readParameters(visibilityParameters, input);
  if (!messages.changeVisibility(id, receiveCount, seconds * 1000)) {
    throw new AwsError("MessageNotInflight", "The message is not in flight.");
  }
  return {};
}

/** @param names the names of attributes in a request, or `All` */
export const isRequested = (names: unknown, name: string): boolean =>
  Array.isArray(names) && (names.includes(name) || names.includes("All"));
