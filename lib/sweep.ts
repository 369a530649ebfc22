import { Aws, Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { SqsDestination } from "aws-cdk-lib/aws-lambda-destinations";
import {
  Schedule,
  ScheduleExpression,
  ScheduleGroup,
  ScheduleTargetInput,
  TimeWindow,
} from "aws-cdk-lib/aws-scheduler";
import { LambdaInvoke } from "aws-cdk-lib/aws-scheduler-targets";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { dueIndex } from "../functions/adapters/dynamodb/tables.ts";
import { sweepConfig } from "../functions/runtime/config.ts";
import { NodeFunction } from "./constructs.ts";
import type { DataStack } from "./data-stack.ts";
import { fill, invoke, queryIndex, sendTo, useItems } from "./permissions.ts";
import type { FailureQueue } from "./queues.ts";
import type { Settings } from "./settings.ts";

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const longestTimeoutSeconds = 900;

/** Shorter than the interval. Where two meet all the same, each shard is swept by one of them. */
const sweepTimeout = ({ sweepIntervalMinutes }: Settings): Duration =>
  Duration.seconds(Math.min(sweepIntervalMinutes * 60 - 5, longestTimeoutSeconds));

export interface Sweeping {
  readonly data: DataStack;
  readonly refreshes: Queue;
  /** Takes the sweeps that did not take place. */
  readonly missedSweeps: FailureQueue;
  readonly settings: Settings;
}

/** Puts what is due on the queue. It reads no token set, and has no key to open one. */
export function createSweep(scope: Construct, sweeping: Sweeping): NodeFunction {
  const { data, refreshes, missedSweeps, settings } = sweeping;
  const { connections, coordination, tableKey } = data;
  const sweep = new NodeFunction(scope, "Sweep", {
    description: "Enqueues the OAuth connections that are due",
    entry: "functions/lambda/sweep.ts",
    environment: {
      CONNECTIONS_TABLE: connections.tableName,
      COORDINATION_TABLE: coordination.tableName,
      REFRESH_QUEUE_URL: refreshes.queueUrl,
      LOG_LEVEL: settings.logLevel,
    },
    readEnvironment: sweepConfig,
    permissions: [
      ...queryIndex({ table: connections, tableKey }, dueIndex.name),
      ...useItems({ table: coordination, tableKey }, "dynamodb:GetItem", "dynamodb:UpdateItem"),
      fill(refreshes),
      sendTo(missedSweeps),
    ],
    timeout: sweepTimeout(settings),
    settings,
  });
  // Scheduler hands a sweep over and does not wait: what becomes of it then is Lambda's to say, which by
  // itself would try a failed one twice more. The next sweep resumes where it stopped.
  // https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html
  sweep.function.configureAsyncInvoke({
    onFailure: new SqsDestination(missedSweeps),
    maxEventAge: Duration.minutes(settings.sweepIntervalMinutes),
    retryAttempts: 0,
  });
  Validations.of(sweep).acknowledge({
    id: "Serverless-LambdaDLQ",
    reason: "A destination holds what a dead-letter queue would, and why it failed.",
  });
  scheduleSweeps(scope, sweep, missedSweeps, settings);
  return sweep;
}

/** How often Scheduler tries to hand a sweep over, before it is the next one's turn. */
const handoverRetries = 3;

function scheduleSweeps(
  scope: Construct,
  sweep: NodeFunction,
  missedSweeps: FailureQueue,
  { schedule: enabled, sweepers, sweepIntervalMinutes }: Settings,
): void {
  const scheduleGroup = new ScheduleGroup(scope, "Sweeps", {
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = createScheduleRole(scope, scheduleGroup);
  role.addToPolicy(invoke(sweep.function));
  role.addToPolicy(sendTo(missedSweeps));
  const interval = Duration.minutes(sweepIntervalMinutes);
  for (let slice = 0; slice < sweepers; slice++) {
    const schedule = new Schedule(scope, `Sweep${slice}`, {
      description: `Refreshes what is due: slice ${slice} of ${sweepers}`,
      ...{ enabled, scheduleGroup, timeWindow: TimeWindow.off() },
      schedule: ScheduleExpression.rate(interval),
      target: new LambdaInvoke(sweep.function, {
        input: ScheduleTargetInput.fromObject({ slice, slices: sweepers }),
        // The library would permit every version of the function.
        role: role.withoutPolicyUpdates(),
        deadLetterQueue: missedSweeps,
        maxEventAge: interval,
        retryAttempts: handoverRetries,
      }),
    });
    schedule.node.addDependency(role);
  }
}

/**
 * For the schedules of the group alone.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
 */
const createScheduleRole = (scope: Construct, { scheduleGroupArn }: ScheduleGroup): Role =>
  new Role(scope, "SweepsRole", {
    assumedBy: new ServicePrincipal("scheduler.amazonaws.com", {
      conditions: {
        StringEquals: {
          "aws:SourceAccount": Aws.ACCOUNT_ID,
          "aws:SourceArn": scheduleGroupArn,
        },
      },
    }),
  });
