import { AwsError, type AwsJson, optionalString } from "./aws-json-server.ts";
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

/** The former attributes with the changes of the input. @throws {AwsError} */
export function changedAttributes(
  { Attributes: given = {} }: AwsJson,
  former: QueueAttributes = defaults,
): QueueAttributes {
  if (typeof given !== "object" || given === null) {
    throw new AwsError("SerializationException", "Attributes is not an object");
  }
  const members = given as AwsJson;
  const attributes = { ...former };
  for (const name of Object.keys(members)) {
    const value = optionalString(members, name) ?? "";
    if (isSecondsName(name)) checkSeconds(name, value);
    else if (name === "RedrivePolicy") redrivePolicy(value);
    else
      throw new AwsError(
        "InvalidAttributeName",
        `the stand-in does not support the attribute ${name}`,
      );
    attributes[name] = value;
  }
  return attributes;
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

function redrivePolicy(json: string): RedrivePolicy {
  const { deadLetterTargetArn, maxReceiveCount } = parseObject(json);
  const count = Number(maxReceiveCount);
  if (typeof deadLetterTargetArn === "string" && count >= 1 && count <= 1_000) {
    return { deadLetterTargetArn, maxReceiveCount: count };
  }
  throw new AwsError(
    "InvalidAttributeValue",
    "RedrivePolicy is {deadLetterTargetArn, maxReceiveCount: 1 to 1000} as JSON",
  );
}

function parseObject(json: string): AwsJson {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null) return value as AwsJson;
  } catch {
    // An empty object is rejected by the caller.
  }
  return {};
}
