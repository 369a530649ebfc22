import { join } from "node:path";
import { startDynamoDb } from "./dynamodb.ts";
import { startKms } from "./kms.ts";
import { createQueues } from "./queues.ts";
import { startSecretsManager } from "./secrets-manager.ts";
import { type EndpointName, endpointNames, type LocalSettings, standInsName } from "./settings.ts";
import type { Shutdown } from "./shutdown.ts";
import { startSqs } from "./sqs.ts";

export type Variables = Readonly<Record<string, string>>;

/** What a stand-in takes as well as any other: it checks no signature. */
const anyCredentials = { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };
/** What would be preferred to {@link anyCredentials}, or sent along with them. */
export const otherCredentials = ["AWS_PROFILE", "AWS_SESSION_TOKEN"];

/**
 * Starts a stand-in for every AWS service that the settings name no endpoint of.
 * @returns the environment in which the SDK, the functions and the CLI reach them; the person's own
 * credentials are not in it
 */
export async function startStandIns(
  settings: LocalSettings,
  shutdown: Shutdown,
): Promise<Variables> {
  const { endpoints, dataDirectory } = settings;
  const kept = dataDirectory === undefined ? {} : { directory: dataDirectory };
  const keptTables =
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
  const dynamoDb = await start("AWS_ENDPOINT_URL_DYNAMODB", () => startDynamoDb(keptTables));
  const kms = await start("AWS_ENDPOINT_URL_KMS", () => startKms(kept));
  const secrets = await start("AWS_ENDPOINT_URL_SECRETS_MANAGER", () => startSecretsManager(kept));
  const sqs = await start("AWS_ENDPOINT_URL_SQS", () => startSqs(kept));
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
    SECRET_PREFIX: settings.secretPrefix,
    KMS_KEY_ID: kms?.keyId ?? settings.kmsKeyId ?? "",
    REFRESH_QUEUE_URL: queues?.refreshQueueUrl ?? settings.refreshQueueUrl ?? "",
    RESCUE_QUEUE_URL: queues?.rescueQueueUrl ?? settings.rescueQueueUrl ?? "",
    ALLOW_LOOPBACK_PROVIDERS: "true",
  };
}
