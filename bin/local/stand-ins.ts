import { join } from "node:path";
import { startDynamoDb } from "./dynamodb.ts";
import { startKms } from "./kms.ts";
import { createQueues } from "./queues.ts";
import { startSecretsManager } from "./secrets-manager.ts";
import { type EndpointName, endpointNames, type LocalSettings, standInsName } from "./settings.ts";
import type { Shutdown } from "./shutdown.ts";
import { startSqs } from "./sqs.ts";

export type Variables = Readonly<Record<string, string>>;

/** Stand-ins check no signature and accept any credentials. */
const anyCredentials = { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };
/** Variables that the SDK would prefer to {@link anyCredentials}, or send with them. */
export const otherCredentials = ["AWS_PROFILE", "AWS_SESSION_TOKEN"];

/**
 * Starts a stand-in for every AWS service whose endpoint the settings do not name.
 * @returns the environment for the SDK, the functions and the CLI, without the person's own credentials
 */
export async function startStandIns(
  settings: LocalSettings,
  shutdown: Shutdown,
): Promise<Variables> {
  const { endpoints, dataDirectory } = settings;
  const stored = dataDirectory === undefined ? {} : { directory: dataDirectory };
  const storedTables =
    dataDirectory === undefined ? {} : { directory: join(dataDirectory, "dynamodb") };
  const start = async <StandIn extends { endpoint: string; close(): Promise<void> }>(
    name: EndpointName,
    starting: () => Promise<StandIn>,
  ): Promise<StandIn | undefined> => {
    if (endpoints[name] !== undefined) return undefined;
    const standIn = await starting();
    shutdown.add(() => standIn.close());
    return standIn;
  };
  const dynamoDb = await start("AWS_ENDPOINT_URL_DYNAMODB", () => startDynamoDb(storedTables));
  const kms = await start("AWS_ENDPOINT_URL_KMS", () => startKms(stored));
  const secrets = await start("AWS_ENDPOINT_URL_SECRETS_MANAGER", () =>
    startSecretsManager(stored),
  );
  const sqs = await start("AWS_ENDPOINT_URL_SQS", () => startSqs(stored));
  const queues = sqs && (await createQueues(sqs.endpoint));
  const started = [dynamoDb, kms, secrets, sqs].map((standIn) => standIn?.endpoint);

  return {
    AWS_REGION: settings.region,
    ...(settings.keepsCredentials ? {} : anyCredentials),
    ...Object.fromEntries(
      endpointNames.map((name, i) => [name, endpoints[name] ?? started[i] ?? ""]),
    ),
    [standInsName]: started.filter((endpoint) => endpoint !== undefined).join(" "),
    CONNECTIONS_TABLE: settings.connectionsTable,
    API_KEYS_TABLE: settings.apiKeysTable,
    COORDINATION_TABLE: settings.coordinationTable,
    BRANCH_KEYS_TABLE: settings.branchKeysTable,
    STAGE: settings.stage,
    SECRET_PREFIX: settings.secretPrefix,
    KMS_KEY_ID: kms?.keyId ?? settings.kmsKeyId ?? "",
    REFRESH_QUEUE_URL: queues?.refreshQueueUrl ?? settings.refreshQueueUrl ?? "",
    RESCUE_QUEUE_URL: queues?.rescueQueueUrl ?? settings.rescueQueueUrl ?? "",
    ALLOW_LOOPBACK_PROVIDERS: "true",
  };
}
