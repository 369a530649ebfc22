import { AwsError, type AwsJson, optionalString } from "./aws-json-server.ts";

/** A message, and all messages of a batch together: 1 MiB. */
const maximumMessageBytes = 1024 * 1024;
const maximumBatchEntries = 10;
/** Characters of XML 1.0, which SQS allows alone. */
const forbidden = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

export interface MessageInput {
  readonly body: string;
  readonly groupId: string | undefined;
  readonly delayMs: number | undefined;
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
export function messageInput(input: AwsJson): MessageInput {
  if (input.MessageAttributes !== undefined || input.MessageDeduplicationId !== undefined) {
    throw new AwsError(
      "UnsupportedOperation",
      "the stand-in has standard queues, and messages without attributes",
    );
  }
  const body = requiredText(input, "MessageBody");
  if (Buffer.byteLength(body) > maximumMessageBytes) {
    throw invalidValue("MessageBody has at most 1048576 bytes");
  }
  if (forbidden.test(body)) {
    throw new AwsError("InvalidMessageContents", "MessageBody has a character that is not allowed");
  }
  const groupId = optionalString(input, "MessageGroupId");
  if (groupId !== undefined && !/^[!-~]{1,128}$/.test(groupId)) {
    throw invalidValue("MessageGroupId has 1 to 128 letters, digits and punctuation");
  }
  return { body, groupId, delayMs: optionalSeconds(input, "DelaySeconds", 900) };
}

/** @throws {AwsError} MissingParameter */
export function requiredText(input: AwsJson, member: string): string {
  const value = optionalString(input, member);
  if (value === undefined || value === "") {
    throw new AwsError("MissingParameter", `The request must contain the parameter ${member}.`);
  }
  return value;
}

/** @returns milliseconds */
export function optionalSeconds(
  input: AwsJson,
  member: string,
  maximum: number,
): number | undefined {
  const seconds = optionalNumber(input, member, 0, maximum);
  return seconds === undefined ? undefined : seconds * 1000;
}

export function optionalNumber(
  input: AwsJson,
  member: string,
  minimum: number,
  maximum: number,
): number | undefined {
  const value = input[member] ?? undefined;
  if (value === undefined) return undefined;
  if (!Number.isInteger(value) || Number(value) < minimum || Number(value) > maximum) {
    throw invalidValue(`${member} is ${minimum} to ${maximum}`);
  }
  return Number(value);
}

export const invalidValue = (reason: string): AwsError =>
  new AwsError("InvalidParameterValue", reason);

/** What came of each entry of a batch. */
export interface BatchOutcome {
  readonly Successful: readonly AwsJson[];
  readonly Failed: readonly AwsJson[];
}

/**
 * Does each entry of a batch by itself: one that is at fault leaves the others alone.
 * @throws {AwsError} when it is no batch
 */
export function forEachEntry(
  { Entries: entries }: AwsJson,
  act: (entry: AwsJson) => AwsJson,
): BatchOutcome {
  if (!Array.isArray(entries) || entries.length === 0) throw batchError("EmptyBatchRequest");
  if (entries.length > maximumBatchEntries) throw batchError("TooManyEntriesInBatchRequest");
  const ids = entries.map(({ Id }: AwsJson) => String(Id));
  if (!ids.every((id) => /^[\w-]{1,80}$/.test(id))) throw batchError("InvalidBatchEntryId");
  if (new Set(ids).size < ids.length) throw batchError("BatchEntryIdsNotDistinct");
  const bytes = entries.map(({ MessageBody = "" }) => Buffer.byteLength(String(MessageBody)));
  if (bytes.reduce((sum, each) => sum + each, 0) > maximumMessageBytes) {
    throw batchError("BatchRequestTooLong");
  }
  const Successful: AwsJson[] = [];
  const Failed: AwsJson[] = [];
  for (const entry of entries as AwsJson[]) {
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
  new AwsError(code, "The batch is empty, too large, or its entries' ids are not in order.");
