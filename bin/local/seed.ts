import { join } from "node:path";
import { keyDigest } from "../../functions/adapters/authentication/key-digest.ts";
import { dynamoDbClient, secretsManagerClient } from "../../functions/adapters/aws/clients.ts";
import {
  dynamoDbApiKeyAdmin,
  dynamoDbApiKeys,
} from "../../functions/adapters/dynamodb/api-keys.ts";
import { dynamoDbConnectionAdmin } from "../../functions/adapters/dynamodb/connection-admin.ts";
import { secretsRegistrationAdmin } from "../../functions/adapters/secrets-manager/registration-admin.ts";
import type {
  ConnectionId,
  RegistrationName,
  WorkspaceId,
} from "../../functions/domain/model/connection.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import { putConnection } from "../admin/put-connection.ts";
import type { AuthorizationServer } from "./authorization-server.ts";
import { ensureTables } from "./dynamodb.ts";
import { readPrivateFile, writePrivateFile } from "./private-file.ts";
import { CannotStart, type LocalSettings } from "./settings.ts";
import type { Shutdown } from "./shutdown.ts";

const connectionId = "conn_demo" as ConnectionId;
const workspaceId = "wsp_demo" as WorkspaceId;
const integration = "demo";

export const demo = {
  connectionId,
  variables: { WORKSPACE_ID: workspaceId, CONNECTION_ID: connectionId },
} as const;

/** Creates tables, an API key, a client registration, and a connection with a real refresh token. */
export async function seed(
  settings: LocalSettings,
  authorizationServer: AuthorizationServer,
  shutdown: Shutdown,
): Promise<{ readonly apiKey: string }> {
  const client = dynamoDbClient();
  const tables = {
    connections: settings.connectionsTable,
    apiKeys: settings.apiKeysTable,
    coordination: settings.coordinationTable,
    branchKeys: settings.branchKeysTable,
  };
  await ensureTables(client, tables).catch((error: unknown) => {
    const endpoint = process.env.AWS_ENDPOINT_URL_DYNAMODB;
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new CannotStart(`DynamoDB at ${endpoint}: ${reason}`, error);
  });
  await putRegistration(settings, authorizationServer);
  await putDemoConnection(settings, authorizationServer);
  return { apiKey: await apiKeyFor(settings, shutdown) };
}

/** Runs at every start, since the authorization server has another port each time. */
async function putRegistration(
  { secretPrefix }: LocalSettings,
  { clientId, clientSecret, tokenEndpoint }: AuthorizationServer,
): Promise<void> {
  const admin = secretsRegistrationAdmin({ client: secretsManagerClient(), prefix: secretPrefix });
  await admin.put(`integrations/${integration}` as RegistrationName, {
    clientId,
    clientSecret: new Secret(clientSecret()),
    tokenEndpointAuthMethod: "client_secret_basic",
    tokenEndpoint,
    refreshPolicy: undefined,
    refreshTokenIdleSeconds: undefined,
  });
}

/** Keeps a stored connection if the authorization server still knows its refresh token. */
async function putDemoConnection(
  { connectionsTable: tableName }: LocalSettings,
  authorizationServer: AuthorizationServer,
): Promise<void> {
  const key = { connectionId, workspaceId };
  const stored = await dynamoDbConnectionAdmin({ client: dynamoDbClient(), tableName }).describe(
    key,
  );
  if (authorizationServer.resumed && stored?.status === "active") return;
  const refreshToken = new Secret(await authorizationServer.mintRefreshToken());
  const label = "demo connection";
  await putConnection(process.env, { ...key, integration, label }, { input: refreshToken });
}

/**
 * The stored key of an earlier start, or a new one. A new key in a DynamoDB that outlives the service is revoked at
 * its shutdown.
 */
async function apiKeyFor(settings: LocalSettings, shutdown: Shutdown): Promise<string> {
  const { dataDirectory, endpoints } = settings;
  const table = { client: dynamoDbClient(), tableName: settings.apiKeysTable };
  const file = dataDirectory === undefined ? undefined : join(dataDirectory, "api-key");
  const stored = file === undefined ? undefined : readPrivateFile(file)?.trim();
  if (stored !== undefined && (await isActive(table, new Secret(stored)))) return stored;

  const admin = dynamoDbApiKeyAdmin(table);
  const { key, keyId } = await admin.create({
    workspaceId,
    workspaceIds: [],
    scopes: undefined,
    label: "npm start",
    expiresAtMs: undefined,
    createdAtMs: Date.now(),
  });
  if (file !== undefined) writePrivateFile(file, `${key.reveal()}\n`);
  else if (endpoints.AWS_ENDPOINT_URL_DYNAMODB !== undefined) {
    shutdown.add(async () => void (await admin.revoke(keyId)));
  }
  return key.reveal();
}

async function isActive(
  table: Parameters<typeof dynamoDbApiKeys>[0],
  key: Secret,
): Promise<boolean> {
  return (await dynamoDbApiKeys(table).find(keyDigest.of(key)))?.status === "active";
}
