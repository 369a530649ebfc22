import { Duration, Validations } from "aws-cdk-lib";
import type { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { SqsDestination } from "aws-cdk-lib/aws-lambda-destinations";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { budgetFor } from "../functions/domain/model/budget.ts";
import { apiConfig, rescueConfig, workerConfig } from "../functions/runtime/config.ts";
import { NodeFunction } from "./constructs.ts";
import type { DataStack } from "./data-stack.ts";
import {
  type ItemAction,
  readSecrets,
  sendTo,
  useItems,
  useTokenKey,
  workOn,
} from "./permissions.ts";
import type { FailureQueue } from "./queues.ts";
import type { Settings } from "./settings.ts";

/** What whoever stores token sets needs. */
export interface Storing {
  readonly data: DataStack;
  /** Takes the token sets that could not be stored. */
  readonly rescues: Queue;
  readonly settings: Settings;
}

/** Of every function that refreshes: a grant, its lease, and the time to commit or to rescue. */
export const refreshTimeout = ({ providerTimeoutSeconds }: Settings): Duration =>
  Duration.millis(budgetFor(providerTimeoutSeconds).functionTimeoutMs);

/** Refreshes for whoever asks, through the API or directly. */
export function createRefresh(
  scope: Construct,
  storing: Storing,
  failedInvocations: FailureQueue,
): NodeFunction {
  const { settings } = storing;
  const refresh = new NodeFunction(scope, "Refresh", {
    description: "Refreshes one OAuth connection",
    entry: "functions/lambda/api.ts",
    environment: refreshEnvironment(storing),
    readEnvironment: apiConfig,
    permissions: [...refreshPermissions(storing), sendTo(failedInvocations)],
    timeout: refreshTimeout(settings),
    reservedConcurrency: settings.reservedConcurrency,
    settings,
  });
  // Of direct invocations: a caller of the API gets an answer, whatever happens.
  refresh.function.configureAsyncInvoke({
    onFailure: new SqsDestination(failedInvocations),
    maxEventAge: Duration.hours(1),
  });
  acknowledgeSecrets(refresh, settings);
  Validations.of(refresh).acknowledge({
    id: "Serverless-LambdaDLQ",
    reason: "A destination holds what a dead-letter queue would, and why it failed.",
  });
  return refresh;
}

/** Refreshes what the sweep has put on the queue. */
export function createWorker(scope: Construct, storing: Storing, refreshes: Queue): NodeFunction {
  const { settings } = storing;
  const worker = new NodeFunction(scope, "Worker", {
    description: "Refreshes OAuth connections that are due",
    entry: "functions/lambda/worker.ts",
    environment: {
      ...refreshEnvironment(storing),
      WORKER_CONCURRENCY: `${settings.workerConcurrency}`,
    },
    readEnvironment: workerConfig,
    permissions: [...refreshPermissions(storing, "dynamodb:BatchGetItem"), workOn(refreshes)],
    timeout: refreshTimeout(settings),
    settings,
  });
  acknowledgeSecrets(worker, settings);
  return worker;
}

/**
 * A lease and a commit. Short, for what fails comes again after six times as long, and has to be there
 * before the schedule presents the old token once more: a refresh's message takes longer.
 */
export const rescueTimeout = Duration.seconds(10);

/** Commits the token sets that could not be stored when they came. It opens none. */
export function createRescue(
  scope: Construct,
  { data: { connections, tableKey }, rescues, settings }: Storing,
): NodeFunction {
  return new NodeFunction(scope, "Rescue", {
    description: "Commits token sets that could not be stored when they came",
    entry: "functions/lambda/rescue.ts",
    environment: { CONNECTIONS_TABLE: connections.tableName, LOG_LEVEL: settings.logLevel },
    readEnvironment: rescueConfig,
    permissions: [
      ...useItems({ table: connections, tableKey }, "dynamodb:GetItem", "dynamodb:UpdateItem"),
      workOn(rescues),
    ],
    timeout: rescueTimeout,
    settings,
  });
}

const refreshEnvironment = ({ data, rescues, settings }: Storing) => ({
  CONNECTIONS_TABLE: data.connections.tableName,
  COORDINATION_TABLE: data.coordination.tableName,
  SECRET_PREFIX: settings.secretPrefix,
  KMS_KEY_ID: data.tokenKey.keyArn,
  RESCUE_QUEUE_URL: rescues.queueUrl,
  PROVIDER_TIMEOUT_SECONDS: `${settings.providerTimeoutSeconds}`,
  COALESCE_WINDOW_SECONDS: `${settings.coalesceWindowSeconds}`,
  CLIENT_CACHE_SECONDS: `${settings.clientCacheSeconds}`,
  SWEEP_INTERVAL_SECONDS: `${longestWaitSeconds(settings)}`,
  GIVE_UP_AFTER_SECONDS: `${settings.giveUpAfterDays * 24 * 60 * 60}`,
  LOG_LEVEL: settings.logLevel,
});

/**
 * What is due waits for a sweep this long at the most: Scheduler invokes at any second of the minute that
 * is meant. https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
const longestWaitSeconds = ({ sweepIntervalMinutes }: Settings): number =>
  (sweepIntervalMinutes + 1) * 60;

const refreshPermissions = (
  { data, rescues, settings }: Storing,
  ...further: readonly ItemAction[]
): PolicyStatement[] => {
  const { connections, coordination, tableKey, tokenKey } = data;
  const useOfConnections = ["dynamodb:GetItem", "dynamodb:UpdateItem", ...further] as const;
  return [
    ...useItems({ table: connections, tableKey }, ...useOfConnections),
    ...useItems(
      { table: coordination, tableKey },
      ...(["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"] as const),
    ),
    useTokenKey(tokenKey),
    readSecrets(settings.secretPrefix),
    sendTo(rescues),
  ];
};

const acknowledgeSecrets = (refreshing: NodeFunction, { secretPrefix }: Settings): void =>
  Validations.of(refreshing).acknowledge({
    id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${secretPrefix}/*]`,
    reason: "Client registrations come and go without a deployment; nothing else lies below.",
  });
