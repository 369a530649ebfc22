import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { createAuthorizer } from "./authorizer.ts";
import type { DataStack } from "./data-stack.ts";
import { createMonitoring } from "./monitoring.ts";
import { FailureQueue, WorkQueue } from "./queues.ts";
import {
  createRefresh,
  createRescue,
  createWorker,
  refreshTimeout,
  rescueTimeout,
} from "./refresh-functions.ts";
import { createRestApi } from "./rest-api.ts";
import type { Settings } from "./settings.ts";
import { createSweep } from "./sweep.ts";

export interface ServiceStackProps extends StackProps {
  readonly data: DataStack;
  readonly settings: Settings;
}

/**
 * What serves callers, the API and its functions; and what needs none, the schedule and its workers. What
 * must not be lost is in the {@link DataStack}.
 */
export class ServiceStack extends Stack {
  constructor(scope: Construct, id: string, { data, settings, ...props }: ServiceStackProps) {
    super(scope, id, props);
    const failedInvocations = new FailureQueue(this, "FailedInvocations");
    // Nothing is to be done with one but to know of it: its alarm ends by itself.
    const missedSweeps = new FailureQueue(this, "MissedSweeps", { retention: Duration.days(1) });
    const refreshes = createRefreshQueue(this, settings);
    const rescues = createRescueQueue(this, settings);

    const storing = { data, rescues: rescues.queue, settings };
    const refresh = createRefresh(this, storing, failedInvocations);
    const worker = createWorker(this, storing, refreshes.queue);
    const rescue = createRescue(this, storing);
    const sweep = createSweep(this, { data, refreshes: refreshes.queue, missedSweeps, settings });
    const authorizer = createAuthorizer(this, data, settings);

    refreshes.feed(worker, {
      batchSize: settings.workerConcurrency,
      maxConcurrency: settings.workerMaximumConcurrency,
    });
    rescues.feed(rescue, { batchSize: 10, maxConcurrency: 2 });
    const api = createRestApi(this, { refresh, authorizer }, settings);
    createMonitoring(
      this,
      { api, refresh, worker, sweep, refreshes, rescues, failedInvocations, missedSweeps },
      settings,
    );

    const host = `${api.restApiId}.execute-api.${this.region}.${this.urlSuffix}`;
    new CfnOutput(this, "ApiUrl", { value: `https://${host}/${settings.stage}` });
    new CfnOutput(this, "RefreshFunctionArn", { value: refresh.function.functionArn });
    new CfnOutput(this, "RefreshQueueUrl", { value: refreshes.queue.queueUrl });
    new CfnOutput(this, "RescueQueueUrl", { value: rescues.queue.queueUrl });
  }
}

/** A message is a hint: what is due is in the index, and is put here again. */
const createRefreshQueue = (scope: Construct, settings: Settings): WorkQueue =>
  new WorkQueue(scope, "Refreshes", {
    functionTimeout: refreshTimeout(settings),
    retention: Duration.days(1),
    // At least five is AWS's recommendation.
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    maximumReceives: 5,
  });

/**
 * A message is a token set, which is nowhere else. It is tried as often as SQS allows, once in six
 * timeouts: for sixteen hours, and then lies in the dead-letter queue for the rest of 14 days.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html
 */
const createRescueQueue = (scope: Construct, { throwAway }: Settings): WorkQueue =>
  new WorkQueue(scope, "Rescues", {
    functionTimeout: rescueTimeout,
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue.html
    maximumReceives: 1_000,
    removalPolicy: throwAway ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
  });
