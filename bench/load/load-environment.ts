import { randomUUID } from "node:crypto";
import { DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import {
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { ensureTables } from "../../bin/local/dynamodb.ts";
import { createQueues, type QueueUrls } from "../../bin/local/queues.ts";
import type { TableNames } from "../../functions/adapters/dynamodb/tables.ts";
import { secretsRegistrationAdmin } from "../../functions/adapters/secrets-manager/registration-admin.ts";
import type { RegistrationName } from "../../functions/domain/model/connection.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import { type Child, startChild } from "./children.ts";
import type { Provider } from "./provider-behaviour.ts";
import type { Services } from "./services.ts";
import type { StoreProxy } from "./store-proxy.ts";

export const integration = "load";
const prefix = "load";
const region = "us-east-1";
const credentials = { accessKeyId: "local", secretAccessKey: "local" };

export interface LoadEnvironmentOptions {
  /** The endpoint of a running DynamoDB. Undefined: an engine is started. */
  readonly dynamoDbEndpoint: string | undefined;
  /** The directory of the engine's tables. Undefined: the tables are in memory. */
  readonly engineDirectory?: string;
  /** @default unique names */
  readonly tables?: TableNames;
  /** Starts a proxy for the engine. Only the functions use it. @default false */
  readonly withProxy?: boolean;
  /** The visibility timeouts of the queues. @default the deployed ones */
  readonly visibilitySeconds?: VisibilitySeconds;
  /** Environment variables of the functions that override the defaults. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface VisibilitySeconds {
  readonly refresh: number;
  readonly rescue: number;
}

/** The services around the functions, each in a separate process, and a registered integration. */
export interface LoadEnvironment {
  readonly tables: TableNames;
  readonly queues: QueueUrls;
  readonly provider: Child<Provider>;
  readonly proxy: Child<StoreProxy> | undefined;
  readonly keyId: string;
  /** The clients of this process. The DynamoDB client does not use the proxy. */
  readonly dynamoDb: DynamoDBClient;
  readonly kms: KMSClient;
  readonly sqs: SQSClient;
  /** The environment variables of a function. */
  readonly variables: Readonly<Record<string, string>>;
  /** Returns the used CPU time in milliseconds, by process. */
  usage(): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

/** Returns unique names: a running engine may have other tables. */
export const newTableNames = (): TableNames => {
  const run = `load-${randomUUID()}`;
  return {
    connections: `${run}-connections`,
    apiKeys: `${run}-api-keys`,
    coordination: `${run}-coordination`,
    branchKeys: `${run}-branch-keys`,
  };
};

export async function startEnvironment(options: LoadEnvironmentOptions): Promise<LoadEnvironment> {
  const {
    dynamoDbEndpoint,
    engineDirectory,
    withProxy = false,
    tables = newTableNames(),
  } = options;
  const [engine, services, provider] = await Promise.all([
    dynamoDbEndpoint === undefined ? startEngine(engineDirectory) : undefined,
    startChild<Services>("services.ts"),
    startChild<Provider>("provider.ts"),
  ]);
  const engineUrl = dynamoDbEndpoint ?? engine?.ready.endpoint ?? "";
  const proxy = withProxy
    ? await startChild<StoreProxy>("store-proxy.ts", { env: { LOAD_PROXY_TARGET: engineUrl } })
    : undefined;
  const { kms, keyId, secretsManager, sqs } = services.ready;
  const clients = {
    dynamoDb: new DynamoDBClient({ endpoint: engineUrl, region, credentials, maxAttempts: 10 }),
    kms: new KMSClient({ endpoint: kms, region, credentials, maxAttempts: 10 }),
    sqs: new SQSClient({ endpoint: sqs, region, credentials, useQueueUrlAsEndpoint: false }),
  };
  await ensureTables(clients.dynamoDb, tables);
  await register(secretsManager, provider.ready);
  const queues = await createQueues(sqs);
  if (options.visibilitySeconds !== undefined) {
    await shortenVisibility(clients.sqs, queues, options.visibilitySeconds);
  }
  const processes = { services, provider, ...(engine && { engine }), ...(proxy && { proxy }) };
  return {
    ...{ tables, queues, provider, proxy, keyId, ...clients },
    variables: {
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: proxy?.ready.endpoint ?? engineUrl,
      AWS_ENDPOINT_URL_KMS: kms,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager,
      AWS_ENDPOINT_URL_SQS: sqs,
      CONNECTIONS_TABLE: tables.connections,
      COORDINATION_TABLE: tables.coordination,
      BRANCH_KEYS_TABLE: tables.branchKeys,
      STAGE: "load",
      SECRET_PREFIX: prefix,
      KMS_KEY_ID: keyId,
      REFRESH_QUEUE_URL: queues.refreshQueueUrl,
      RESCUE_QUEUE_URL: queues.rescueQueueUrl,
      ALLOW_LOOPBACK_PROVIDERS: "true",
      ...options.settings,
    },
    async usage() {
      const used = Object.entries(processes).map(
        async ([name, child]) => [name, await child.call<number>("usage")] as const,
      );
      return Object.fromEntries(await Promise.all(used));
    },
    async close() {
      if (engine === undefined) await deleteTables(clients.dynamoDb, tables);
      for (const client of Object.values(clients)) client.destroy();
      await Promise.all(Object.values(processes).map((child) => child.kill()));
    },
  };
}

const startEngine = (directory: string | undefined): Promise<Child<{ endpoint: string }>> =>
  startChild(
    "engine.ts",
    directory === undefined ? {} : { env: { LOAD_ENGINE_DIRECTORY: directory } },
  );

async function register(endpoint: string, provider: Provider): Promise<void> {
  const client = new SecretsManagerClient({ endpoint, region, credentials });
  await secretsRegistrationAdmin({ client, prefix }).put(
    `integrations/${integration}` as RegistrationName,
    {
      clientId: provider.clientId,
      clientSecret: new Secret(provider.clientSecret),
      tokenEndpointAuthMethod: "client_secret_basic",
      tokenEndpoint: provider.tokenEndpoint,
      refreshPolicy: "proactive",
      refreshTokenIdleSeconds: undefined,
    },
  );
  client.destroy();
}

async function shortenVisibility(
  client: SQSClient,
  { refreshQueueUrl, rescueQueueUrl }: QueueUrls,
  { refresh, rescue }: VisibilitySeconds,
): Promise<void> {
  const seconds = { [refreshQueueUrl]: refresh, [rescueQueueUrl]: rescue };
  for (const [QueueUrl, timeout] of Object.entries(seconds)) {
    const Attributes = { VisibilityTimeout: String(timeout) };
    await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
  }
}

async function deleteTables(client: DynamoDBClient, names: TableNames): Promise<void> {
  for (const TableName of Object.values(names)) {
    await client.send(new DeleteTableCommand({ TableName }));
  }
}

export interface QueueDepth {
  readonly visible: number;
  readonly inFlight: number;
}

export async function depthOf(client: SQSClient, QueueUrl: string): Promise<QueueDepth> {
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] });
  const { Attributes = {} } = await client.send(command);
  return {
    visible: Number(Attributes.ApproximateNumberOfMessages),
    inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible),
  };
}
