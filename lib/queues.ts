import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { EventSourceMapping } from "aws-cdk-lib/aws-lambda";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { NodeFunction } from "./node-function.ts";

/** The longest time that SQS keeps a message. */
const longestRetention = Duration.days(14);

export interface DeadLetterQueueProps {
  /** @default 14 days, the longest time that SQS keeps a message */
  readonly retention?: Duration;
  /** Applies when the stack is deleted. @default DESTROY */
  readonly removalPolicy?: RemovalPolicy;
}

/** Holds messages and invocations that failed for good, until a person has looked at them. */
export class DeadLetterQueue extends Queue {
  constructor(
    scope: Construct,
    id: string,
    {
      retention = longestRetention,
      removalPolicy = RemovalPolicy.DESTROY,
    }: DeadLetterQueueProps = {},
  ) {
    super(scope, id, {
      removalPolicy,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: retention,
    });
    const reason = "No function consumes it: an alarm calls a person.";
    Validations.of(this).acknowledge(
      { id: "AwsSolutions-SQS3", reason },
      { id: "Serverless-SQSRedrivePolicy", reason },
    );
  }
}

export interface WorkQueueProps {
  /** The timeout of the function that consumes the queue. */
  readonly functionTimeout: Duration;
  /**
   * The time after which a message that was received, and not deleted, is received again.
   * @default six times the function's timeout, which AWS recommends, since a throttled batch is retried
   */
  readonly visibilityTimeout?: Duration;
  /** @default 14 days, the longest time that SQS keeps a message */
  readonly retention?: Duration;
  /** How often the function receives a message before it goes to the {@link WorkQueue.deadLetterQueue}. */
  readonly maximumReceives: number;
  /** Applies to both queues when the stack is deleted. @default DESTROY */
  readonly removalPolicy?: RemovalPolicy;
}

/** A queue with its dead-letter queue, and a function that consumes it. */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetterQueue: DeadLetterQueue;

  constructor(
    scope: Construct,
    id: string,
    {
      functionTimeout,
      // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
      visibilityTimeout = Duration.seconds(6 * functionTimeout.toSeconds()),
      retention = longestRetention,
      maximumReceives,
      removalPolicy = RemovalPolicy.DESTROY,
    }: WorkQueueProps,
  ) {
    super(scope, id);
    this.deadLetterQueue = new DeadLetterQueue(this, "Failures", { removalPolicy });
    this.queue = new Queue(this, "Queue", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout,
      retentionPeriod: retention,
      removalPolicy,
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: maximumReceives },
    });
  }

  /** @param consumer responds with the messages that failed, and has the permission to consume the queue */
  addConsumer(
    consumer: NodeFunction,
    { batchSize, maxConcurrency }: { readonly batchSize: number; readonly maxConcurrency: number },
  ): void {
    const mapping = new EventSourceMapping(this, "Feed", {
      ...{ target: consumer.function, eventSourceArn: this.queue.queueArn },
      ...{ batchSize, maxConcurrency, reportBatchItemFailures: true },
    });
    const reason =
      "Only its queue invokes it. A message that fails stays on the queue, or goes to the dead-letter queue.";
    Validations.of(mapping).acknowledge({
      id: "Serverless-LambdaEventSourceMappingDestination",
      reason,
    });
    Validations.of(consumer).acknowledge({ id: "Serverless-LambdaDLQ", reason });
  }
}
