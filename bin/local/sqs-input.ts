import { anyObject, list, nullish, object } from "../../functions/validation/structures.ts";
import { integer, matching } from "../../functions/validation/values.ts";
import { AwsError, type AwsJson } from "./aws-json-server.ts";
import { parameterReader, text } from "./parameters.ts";

export const readParameters = parameterReader({
  missing: "MissingParameter",
  invalid: "InvalidParameterValue",
});

/** The limit for one message, and for all messages of a batch together. */
const maximumMessageBytes = 1024 * 1024;
const maximumBatchEntries = 10;
/** SQS allows only the characters of XML 1.0. */
const forbidden = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

export interface MessageInput {
  readonly body: string;
  readonly groupId: string | undefined;
  readonly delayMs: number | undefined;
}

const messageParameters = object({
  MessageBody: text,
  MessageGroupId: nullish(matching(/^[!-~]{1,128}$/, "1 to 128 letters, digits and punctuation")),
  DelaySeconds: nullish(integer(0, 900)),
});

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
export function messageInput(input: AwsJson): MessageInput {
  if (input.MessageAttributes !== undefined || input.MessageDeduplicationId !== undefined) {
    throw new AwsError(
      "UnsupportedOperation",
      "the stand-in supports neither MessageAttributes nor FIFO queues",
    );
  }
  const { MessageBody, MessageGroupId, DelaySeconds } = readParameters(messageParameters, input);
  if (Buffer.byteLength(MessageBody) > maximumMessageBytes) {
    throw invalidValue("expected a MessageBody of at most 1048576 bytes");
  }
  if (forbidden.test(MessageBody)) {
    throw new AwsError(
      "InvalidMessageContents",
      "MessageBody has a character that SQS does not allow",
    );
  }
  return { body: MessageBody, groupId: MessageGroupId, delayMs: inMs(DelaySeconds) };
}

/** Undefined stays undefined. */
export const inMs = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : seconds * 1000;

export const invalidValue = (reason: string): AwsError =>
  new AwsError("InvalidParameterValue", reason);

/** The result of each entry of a batch. */
export interface BatchOutcome {
  readonly Successful: readonly AwsJson[];
  readonly Failed: readonly AwsJson[];
}

const batchParameters = object({ Entries: nullish(list(anyObject)) });

/**
 * Processes each entry of a batch separately. An invalid entry does not affect the others.
 * @throws {AwsError} if the batch as a whole is invalid
 */
export function forEachEntry(input: AwsJson, act: (entry: AwsJson) => AwsJson): BatchOutcome {
  const { Entries: entries = [] } = readParameters(batchParameters, input);
  if (entries.length === 0) throw batchError("EmptyBatchRequest");
  if (entries.length > maximumBatchEntries) throw batchError("TooManyEntriesInBatchRequest");
  const ids = entries.map(({ Id }) => String(Id));
  if (!ids.every((id) => /^[\w-]{1,80}$/.test(id))) throw batchError("InvalidBatchEntryId");
  if (new Set(ids).size < ids.length) throw batchError("BatchEntryIdsNotDistinct");
  const bytes = entries.map(({ MessageBody = "" }) => Buffer.byteLength(String(MessageBody)));
  if (bytes.reduce((sum, each) => sum + each, 0) > maximumMessageBytes) {
    throw batchError("BatchRequestTooLong");
  }
  const Successful: AwsJson[] = [];
  const Failed: AwsJson[] = [];
  for (const entry of entries) {
    try {
      Successful.push({ Id: entry.Id, ...act(entry) });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      Failed.push({ Id: entry.Id, SenderFault: true, Code: error.code, Message: error.message });
    }
  }
  return { Successful, Failed };
}

const batchError = (code: string): AwsError =>
  new AwsError(
    code,
    "The batch is empty or too large, or its entries' ids are invalid or not distinct.",
  );
