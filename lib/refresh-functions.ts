import { Duration, Validations } from "aws-cdk-lib";
import type { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { budgetFor } from "../functions/domain/model/budget.ts";
import { rescueTimeoutMs } from "../functions/domain/model/take-over.ts";
import { apiConfig, rescueConfig, workerConfig } from "../functions/runtime/config.ts";
import type { DataStack } from "./data-stack.ts";
import { NodeFunction } from "./node-function.ts";
import {
  accessItems,
  consumeMessages,
  type ItemAction,
  openTokenSets,
  postponeMessages,
  readSecrets,
  sealTokenSets,
  sendMessages,
  type TokenKeys,
  verifyRebinds,
} from "./permissions.ts";
import type { DeadLetterQueue } from "./queues.ts";
import type { Settings } from "./settings.ts";

/** The resources of the functions that store token sets. */
export interface RefreshResources {
  readonly data: DataStack;
  /** Takes the token sets that could not be stored. */
  readonly rescueQueue: Queue;
  readonly settings: Settings;
}

/** Applies to every function that refreshes: a token request, its lease, and the time to commit or to rescue. */
export const refreshTimeout = ({ providerTimeoutSeconds }: Settings): Duration =>
  Duration.millis(budgetFor(providerTimeoutSeconds).functionTimeoutMs);

/** Refreshes a connection for a caller of the API, or for a direct invocation. */
export function createRefresh(
  scope: Construct,
  resources: RefreshResources,
  failedInvocations: DeadLetterQueue,
): NodeFunction {
  const { settings } = resources;
  const refresh = new NodeFunction(scope, "Refresh", {
    description: "Refreshes one OAuth connection",
    entry: "functions/lambda/api.ts",
    environment: refreshEnvironment(resources),
    readEnvironment: apiConfig,
    permissions: [...refreshPermissions(resources), sendMessages(failedInvocations)],
    timeout: refreshTimeout(settings),
    reservedConcurrency: settings.reservedConcurrency,
    settings,
  });
  // Applies to asynchronous invocations alone. A caller of the API gets a response in any case.
  refresh.sendFailedEventsTo(failedInvocations, { maxEventAge: Duration.hours(1) });
  acknowledgeSecrets(refresh, settings);
  return refresh;
}

/** Refreshes the connections that the sweep has enqueued. */
export function createWorker(
  scope: Construct,
  resources: RefreshResources,
  refreshQueue: Queue,
): NodeFunction {
  const { settings } = resources;
  const worker = new NodeFunction(scope, "Worker", {
    description: "Refreshes OAuth connections that are due",
    entry: "functions/lambda/worker.ts",
    environment: {
      ...refreshEnvironment(resources),
      WORKER_CONCURRENCY: `${settings.workerConcurrency}`,
    },
    readEnvironment: workerConfig,
    permissions: [
      ...refreshPermissions(resources, "dynamodb:BatchGetItem"),
      consumeMessages(refreshQueue),
    ],
    timeout: refreshTimeout(settings),
    settings,
  });
  acknowledgeSecrets(worker, settings);
  return worker;
}

/** Enough for a lease and a commit. */
export const rescueTimeout = Duration.millis(rescueTimeoutMs);

/** Commits the token sets that could not be stored when they were received. It opens them, and seals none. */
export function createRescue(scope: Construct, resources: RefreshResources): NodeFunction {
  const { data, rescueQueue, settings } = resources;
  const { connections, branchKeys, tableKey } = data;
  return new NodeFunction(scope, "Rescue", {
    description: "Commits token sets that could not be stored when they were received",
    entry: "functions/lambda/rescue.ts",
    environment: {
      ...tokenCipherEnvironment(resources),
      CONNECTIONS_TABLE: connections.tableName,
      RESCUE_QUEUE_URL: rescueQueue.queueUrl,
      LOG_LEVEL: settings.logLevel,
    },
    readEnvironment: rescueConfig,
    permissions: [
      ...accessItems({ table: connections, tableKey }, "dynamodb:GetItem", "dynamodb:UpdateItem"),
      ...accessItems({ table: branchKeys, tableKey }, "dynamodb:GetItem"),
      ...openTokenSets(tokenKeysOf(data, settings)),
      consumeMessages(rescueQueue),
      postponeMessages(rescueQueue),
    ],
    timeout: rescueTimeout,
    settings,
  });
}

const tokenKeysOf = ({ tokenKey }: DataStack, settings: Settings): TokenKeys => ({
  ...{ tokenKey, formerTokenKeyArns: formerTokenKeyArns(settings), stage: settings.stage },
});

const formerTokenKeyArns = ({ formerTokenKeyArns: arns = "" }: Settings): readonly string[] =>
  arns.split(",").filter((arn) => arn !== "");

const tokenCipherEnvironment = ({ data, settings }: RefreshResources) => ({
  KMS_KEY_ID: data.tokenKey.keyArn,
  FORMER_KMS_KEY_IDS: formerTokenKeyArns(settings).join(","),
  BRANCH_KEYS_TABLE: data.branchKeys.tableName,
  BRANCH_KEYS: `${settings.branchKeys}`,
  STAGE: settings.stage,
  TOKEN_FORMAT: `${settings.tokenFormat}`,
  TOKEN_KEY_SOURCE: settings.tokenKeySource,
});

const refreshEnvironment = (resources: RefreshResources) => {
  const { data, rescueQueue, settings } = resources;
  return {
    ...tokenCipherEnvironment(resources),
    CONNECTIONS_TABLE: data.connections.tableName,
    COORDINATION_TABLE: data.coordination.tableName,
    SECRET_PREFIX: settings.secretPrefix,
    REQUIRE_BOUND_TOKENS: `${settings.requireBoundTokens}`,
    RESCUE_QUEUE_URL: rescueQueue.queueUrl,
    PROVIDER_TIMEOUT_SECONDS: `${settings.providerTimeoutSeconds}`,
    COALESCE_WINDOW_SECONDS: `${settings.coalesceWindowSeconds}`,
    CLIENT_CACHE_SECONDS: `${settings.clientCacheSeconds}`,
    SWEEP_INTERVAL_SECONDS: `${longestWaitSeconds(settings)}`,
    GIVE_UP_AFTER_SECONDS: `${settings.giveUpAfterDays * 24 * 60 * 60}`,
    LOG_LEVEL: settings.logLevel,
  };
};

/**
 * The longest time that a due connection waits for a sweep. Scheduler invokes a target at any second of the minute.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
const longestWaitSeconds = ({ sweepIntervalMinutes }: Settings): number =>
  (sweepIntervalMinutes + 1) * 60;

const refreshPermissions = (
  { data, rescueQueue, settings }: RefreshResources,
  ...further: readonly ItemAction[]
): PolicyStatement[] => {
  const { connections, coordination, branchKeys, tableKey } = data;
  const tokenKeys = tokenKeysOf(data, settings);
  const useOfConnections = ["dynamodb:GetItem", "dynamodb:UpdateItem", ...further] as const;
  return [
    ...accessItems({ table: connections, tableKey }, ...useOfConnections),
    ...accessItems(
      { table: coordination, tableKey },
      ...(["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"] as const),
    ),
    ...accessItems({ table: branchKeys, tableKey }, "dynamodb:GetItem", "dynamodb:PutItem"),
    ...sealTokenSets(tokenKeys),
    ...openTokenSets(tokenKeys),
    verifyRebinds(tokenKeys),
    readSecrets(settings.secretPrefix),
    sendMessages(rescueQueue),
  ];
};

const acknowledgeSecrets = (refreshing: NodeFunction, { secretPrefix }: Settings): void =>
  Validations.of(refreshing).acknowledge({
    id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${secretPrefix}/*]`,
    reason: "Client registrations come and go without a deployment. The prefix holds nothing else.",
  });
