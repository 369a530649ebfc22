import { Aws, Duration, RemovalPolicy } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
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
import type { DataStack } from "./data-stack.ts";
import { NodeFunction } from "./node-function.ts";
import {
  accessItems,
  invoke,
  queryIndex,
  sendAndCountMessages,
  sendMessages,
} from "./permissions.ts";
import type { DeadLetterQueue } from "./queues.ts";
import type { Settings } from "./settings.ts";

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const longestTimeoutSeconds = 900;

/** Shorter than the interval. Two sweeps that overlap nevertheless share the shards. */
const sweepTimeout = ({ sweepIntervalMinutes }: Settings): Duration =>
  Duration.seconds(Math.min(sweepIntervalMinutes * 60 - 5, longestTimeoutSeconds));

export interface SweepResources {
  readonly data: DataStack;
  readonly refreshQueue: Queue;
  /** Takes the sweeps that did not take place. */
  readonly missedSweeps: DeadLetterQueue;
  readonly settings: Settings;
}

/** Enqueues the connections that are due. It reads no token set, and has no key to decrypt one. */
export function createSweep(scope: Construct, resources: SweepResources): NodeFunction {
  const { data, refreshQueue, missedSweeps, settings } = resources;
  const { connections, coordination, tableKey } = data;
  const sweep = new NodeFunction(scope, "Sweep", {
    description: "Enqueues the OAuth connections that are due",
    entry: "functions/lambda/sweep.ts",
    environment: {
      CONNECTIONS_TABLE: connections.tableName,
      COORDINATION_TABLE: coordination.tableName,
      REFRESH_QUEUE_URL: refreshQueue.queueUrl,
      LOG_LEVEL: settings.logLevel,
    },
    readEnvironment: sweepConfig,
    permissions: [
      ...queryIndex({ table: connections, tableKey }, dueIndex.name),
      ...accessItems({ table: coordination, tableKey }, "dynamodb:GetItem", "dynamodb:UpdateItem"),
      sendAndCountMessages(refreshQueue),
      sendMessages(missedSweeps),
    ],
    timeout: sweepTimeout(settings),
    settings,
  });
  // Scheduler invokes the function asynchronously, so that Lambda would retry a failed sweep twice. The next sweep
  // resumes where a failed one stopped.
  // https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html
  sweep.sendFailedEventsTo(missedSweeps, {
    maxEventAge: Duration.minutes(settings.sweepIntervalMinutes),
    retryAttempts: 0,
  });
  scheduleSweeps(scope, sweep, missedSweeps, settings);
  return sweep;
}

/** How often Scheduler retries an invocation that Lambda does not accept. */
const invocationRetries = 3;

function scheduleSweeps(
  scope: Construct,
  sweep: NodeFunction,
  missedSweeps: DeadLetterQueue,
  { schedule: enabled, sweepers, sweepIntervalMinutes }: Settings,
): void {
  const scheduleGroup = new ScheduleGroup(scope, "Sweeps", {
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = createScheduleRole(scope, scheduleGroup);
  role.addToPolicy(invoke(sweep.function));
  role.addToPolicy(sendMessages(missedSweeps));
  const interval = Duration.minutes(sweepIntervalMinutes);
  for (let slice = 0; slice < sweepers; slice++) {
    const schedule = new Schedule(scope, `Sweep${slice}`, {
      description: `Refreshes due connections: slice ${slice} of ${sweepers}`,
      ...{ enabled, scheduleGroup, timeWindow: TimeWindow.off() },
      schedule: ScheduleExpression.rate(interval),
      target: new LambdaInvoke(sweep.function, {
        input: ScheduleTargetInput.fromObject({ slice, slices: sweepers }),
        // The library would permit every version of the function.
        role: role.withoutPolicyUpdates(),
        deadLetterQueue: missedSweeps,
        maxEventAge: interval,
        retryAttempts: invocationRetries,
      }),
    });
    schedule.node.addDependency(role);
  }
}

/**
 * Only the schedules of the group may assume it.
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
