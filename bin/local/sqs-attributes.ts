import { faultsText, validated } from "../../functions/validation/check.ts";
import { json, object, record, withDefault } from "../../functions/validation/structures.ts";
import { integer, string } from "../../functions/validation/values.ts";
import { AwsError, type AwsJson } from "./aws-json-server.ts";
import { readParameters } from "./sqs-input.ts";
import type { QueueSettings, RedrivePolicy } from "./sqs-queue.ts";

/** The attributes of a queue that a caller can set, under the API's names. Every value is a string. */
export type QueueAttributes = Readonly<Record<string, string>>;

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html */
const seconds = {
  VisibilityTimeout: { byDefault: 30, minimum: 0, maximum: 43_200 },
  MessageRetentionPeriod: { byDefault: 345_600, minimum: 60, maximum: 1_209_600 },
  DelaySeconds: { byDefault: 0, minimum: 0, maximum: 900 },
  ReceiveMessageWaitTimeSeconds: { byDefault: 0, minimum: 0, maximum: 20 },
} as const;
type SecondsName = keyof typeof seconds;

const isSecondsName = (name: string): name is SecondsName => Object.hasOwn(seconds, name);

const defaults: QueueAttributes = Object.fromEntries(
  Object.entries(seconds).map(([name, { byDefault }]) => [name, String(byDefault)]),
);

const attributesParameter = object({ Attributes: withDefault(record(/^/, string), {}) });

/** The former attributes with the changes of the input. @throws {AwsError} */
export function changedAttributes(
  input: AwsJson,
  former: QueueAttributes = defaults,
): QueueAttributes {
  const { Attributes: changes } = readParameters(attributesParameter, input);
  for (const [name, value] of Object.entries(changes)) {
    if (isSecondsName(name)) checkSeconds(name, value);
    else if (name === "RedrivePolicy") redrivePolicy(value);
    else
      throw new AwsError(
        "InvalidAttributeName",
        `the stand-in does not support the attribute ${name}`,
      );
  }
  return { ...former, ...changes };
}

export function settingsOf(attributes: QueueAttributes): QueueSettings {
  const inMs = (name: SecondsName): number => Number(attributes[name]) * 1000;
  return {
    visibilityTimeoutMs: inMs("VisibilityTimeout"),
    retentionMs: inMs("MessageRetentionPeriod"),
    delayMs: inMs("DelaySeconds"),
    receiveWaitMs: inMs("ReceiveMessageWaitTimeSeconds"),
    redrive: attributes.RedrivePolicy ? redrivePolicy(attributes.RedrivePolicy) : undefined,
  };
}

function checkSeconds(name: SecondsName, value: string): void {
  const { minimum, maximum } = seconds[name];
  if (!/^\d+$/.test(value) || Number(value) < minimum || Number(value) > maximum) {
    throw new AwsError("InvalidAttributeValue", `${name} is ${minimum} to ${maximum}`);
  }
}

const redriveCheck = json(
  object({
    deadLetterTargetArn: string,
    maxReceiveCount: (value, place) => integer(1, 1_000)(Number(value), place),
  }),
);

const redrivePolicy = (text: string): RedrivePolicy =>
  validated(
    redriveCheck,
    text,
    (faults) =>
      new AwsError("InvalidAttributeValue", `RedrivePolicy is invalid: ${faultsText(faults)}`),
  );
