import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { EventSourceMapping } from "aws-cdk-lib/aws-lambda";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { NodeFunction } from "./constructs.ts";

/** As long as SQS keeps a message. */
const longestRetention = Duration.days(14);

export interface FailureQueueProps {
  /** @default 14 days, as long as SQS keeps a message */
  readonly retention?: Duration;
  /** What becomes of it with its stack. @default DESTROY */
  readonly removalPolicy?: RemovalPolicy;
}

/** Holds what failed for good, until a person has looked at it. */
export class FailureQueue extends Queue {
  constructor(
    scope: Construct,
    id: string,
    { retention = longestRetention, removalPolicy = RemovalPolicy.DESTROY }: FailureQueueProps = {},
  ) {
    super(scope, id, {
      removalPolicy,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: retention,
    });
    const reason = "Nothing consumes it by itself: an alarm calls a person.";
    Validations.of(this).acknowledge(
      { id: "AwsSolutions-SQS3", reason },
      { id: "Serverless-SQSRedrivePolicy", reason },
    );
  }
}

export interface WorkQueueProps {
  /** Of the function that works on it. */
  readonly functionTimeout: Duration;
  /** @default 14 days, as long as SQS keeps a message */
  readonly retention?: Duration;
  /** How often a message is given to the function, before it is one of the {@link WorkQueue.failures}. */
  readonly maximumReceives: number;
  /** What becomes of it, and of its failures, with its stack. @default DESTROY */
  readonly removalPolicy?: RemovalPolicy;
}

/** A queue with its dead-letter queue, and a function that works on it. */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly failures: FailureQueue;

  constructor(
    scope: Construct,
    id: string,
    {
      functionTimeout,
      retention = longestRetention,
      maximumReceives,
      removalPolicy = RemovalPolicy.DESTROY,
    }: WorkQueueProps,
  ) {
    super(scope, id);
    this.failures = new FailureQueue(this, "Failures", { removalPolicy });
    this.queue = new Queue(this, "Queue", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // Six times the function's timeout is AWS's recommendation: a batch may have to wait for its turn.
      // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
      visibilityTimeout: Duration.seconds(6 * functionTimeout.toSeconds()),
      retentionPeriod: retention,
      removalPolicy,
      deadLetterQueue: { queue: this.failures, maxReceiveCount: maximumReceives },
    });
  }

  /** @param worker answers with the messages that failed, and is permitted to work on the queue */
  feed(
    worker: NodeFunction,
    { batchSize, maxConcurrency }: { readonly batchSize: number; readonly maxConcurrency: number },
  ): void {
    const mapping = new EventSourceMapping(this, "Feed", {
      ...{ target: worker.function, eventSourceArn: this.queue.queueArn },
      ...{ batchSize, maxConcurrency, reportBatchItemFailures: true },
    });
    const reason =
      "Only its queue invokes it, and keeps what failed, or its dead-letter queue does.";
    Validations.of(mapping).acknowledge({
      id: "Serverless-LambdaEventSourceMappingDestination",
      reason,
    });
    Validations.of(worker).acknowledge({ id: "Serverless-LambdaDLQ", reason });
  }
}
