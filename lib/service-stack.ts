import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { redeliveryMs } from "../functions/domain/model/take-over.ts";
import { createAuthorizer } from "./authorizer.ts";
import { CallerRates } from "./caller-rates.ts";
import type { DataStack } from "./data-stack.ts";
import { createMonitoring } from "./monitoring.ts";
import { DeadLetterQueue, WorkQueue } from "./queues.ts";
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
import { createWebAcl } from "./web-acl.ts";

export interface ServiceStackProps extends StackProps {
  readonly data: DataStack;
  readonly settings: Settings;
}

/**
 * The API with its functions, and the schedule with its workers. The resources that must not be lost are in the
 * {@link DataStack}.
 */
export class ServiceStack extends Stack {
  constructor(scope: Construct, id: string, { data, settings, ...props }: ServiceStackProps) {
    super(scope, id, props);
    const failedInvocations = new DeadLetterQueue(this, "FailedInvocations");
    // A missed sweep needs no action, so that its alarm ends by itself.
    const missedSweeps = new DeadLetterQueue(this, "MissedSweeps", { retention: Duration.days(1) });
    const refreshQueue = createRefreshQueue(this, settings);
    const rescueQueue = createRescueQueue(this, settings);

    const resources = { data, rescueQueue: rescueQueue.queue, settings };
    const refresh = createRefresh(this, resources, failedInvocations);
    const worker = createWorker(this, resources, refreshQueue.queue);
    const rescue = createRescue(this, resources);
    const sweep = createSweep(this, {
      data,
      refreshQueue: refreshQueue.queue,
      missedSweeps,
      settings,
    });
    const authorizer = createAuthorizer(this, data, settings);

    refreshQueue.addConsumer(worker, {
      batchSize: settings.workerConcurrency,
      maxConcurrency: settings.workerMaximumConcurrency,
    });
    // One token set in each invocation, so that none waits for another.
    rescueQueue.addConsumer(rescue, { batchSize: 1, maxConcurrency: 20 });
    const api = createRestApi(this, { refresh, authorizer }, settings);
    if (settings.callerRate > 0) new CallerRates(this, "CallerRates", { api, settings });
    if (settings.webAclRequests !== undefined) createWebAcl(this, api, settings.webAclRequests);
    createMonitoring(
      this,
      {
        ...{ api, refresh, worker, sweep, authorizer },
        ...{ refreshQueue, rescueQueue, failedInvocations, missedSweeps },
      },
      settings,
    );

    const host = `${api.restApiId}.execute-api.${this.region}.${this.urlSuffix}`;
    new CfnOutput(this, "ApiUrl", { value: `https://${host}/${settings.stage}` });
    new CfnOutput(this, "RefreshFunctionArn", { value: refresh.function.functionArn });
    new CfnOutput(this, "RefreshQueueUrl", { value: refreshQueue.queue.queueUrl });
    new CfnOutput(this, "RescueQueueUrl", { value: rescueQueue.queue.queueUrl });
  }
}

/** A message may be lost: the connection stays in the index, and the sweep enqueues it again. */
const createRefreshQueue = (scope: Construct, settings: Settings): WorkQueue =>
  new WorkQueue(scope, "Refreshes", {
    functionTimeout: refreshTimeout(settings),
    retention: Duration.days(1),
    // AWS recommends five or more.
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    maximumReceives: 5,
  });

/**
 * A message holds the only copy of a token set. It is tried as often as SQS allows, once in six timeouts, which is
 * for three days. The dead-letter queue then keeps it for the rest of 14 days.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html
 */
const createRescueQueue = (scope: Construct, { throwAway }: Settings): WorkQueue =>
  new WorkQueue(scope, "Rescues", {
    functionTimeout: rescueTimeout,
    // The function sets a longer timeout with the age of the token set.
    visibilityTimeout: Duration.millis(redeliveryMs(0)),
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue.html
    maximumReceives: 1_000,
    removalPolicy: throwAway ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
  });
