import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import { ensureTables, startDynamoDb } from "../../bin/local/dynamodb.ts";
import type { Connection, ConnectionKey } from "../../functions/domain/model/connection.ts";
import type { Due } from "../../functions/domain/ports/connection-store.ts";
import { localDynamoDbClient } from "./local-aws-clients.ts";

export const tableNames = {
  connections: "connections",
  apiKeys: "api_keys",
  coordination: "coordination",
  branchKeys: "branch_keys",
} as const;

export interface LocalTables {
  readonly client: DynamoDBClient;
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Creates the tables at an endpoint, or else in a DynamoDB of their own. */
export async function startTables(endpoint?: string): Promise<LocalTables> {
  const own = endpoint === undefined ? await startDynamoDb() : undefined;
  const address = endpoint ?? own?.endpoint ?? "";
  const client = localDynamoDbClient(address);
  await ensureTables(client, tableNames);
  return {
    client,
    endpoint: address,
    async close() {
      client.destroy();
      await own?.close();
    },
  };
}

/** Puts a connection as the documented item. The attributes are repeated here, so that a test does not compare the adapter with itself. */
export async function putItem(
  client: DynamoDBClient,
  connection: Connection,
  due?: Due,
): Promise<void> {
  const { lease, failure } = connection;
  const text = (value: string | undefined) => (value === undefined ? undefined : { S: value });
  const instant = (ms: number | undefined) =>
    ms === undefined ? undefined : { S: new Date(ms).toISOString() };
  const number = (value: number | undefined) =>
    value === undefined ? undefined : { N: String(value) };
  const present = (members: Record<string, AttributeValue | undefined>) =>
    Object.fromEntries(
      Object.entries(members).filter((entry): entry is [string, AttributeValue] => !!entry[1]),
    );
  await client.send(
    new PutItemCommand({
      TableName: tableNames.connections,
      Item: present({
        connection_id: { S: connection.connectionId },
        workspace_id: { S: connection.workspaceId },
        integration: { S: connection.integration },
        client_registration:
          connection.registrationName === `integrations/${connection.integration}`
            ? undefined
            : { S: connection.registrationName },
        status: { S: connection.status },
        config: {
          M: Object.fromEntries(Object.entries(connection.config).map(([k, v]) => [k, { S: v }])),
        },
        // A packed token set stands there as bytes.
        credentials: connection.credentials?.startsWith("Ag")
          ? { B: Buffer.from(connection.credentials, "base64url") }
          : text(connection.credentials),
        credentials_version:
          connection.credentialsVersion === 0 ? undefined : number(connection.credentialsVersion),
        expires_at: instant(connection.expiresAtMs),
        assumed_expires_at: instant(connection.assumedExpiresAtMs),
        refresh_token_expires_at: instant(connection.refreshTokenExpiresAtMs),
        refresh_token_absolute_expires_at: instant(connection.refreshTokenAbsoluteExpiresAtMs),
        last_refreshed_at: instant(connection.lastRefreshedAtMs),
        lease_id: text(lease?.leaseId),
        lease_expires_at_ms: number(lease?.leaseExpiresAtMs),
        last_forced_at_ms: number(connection.lastForcedAtMs),
        takeover_of: text(connection.takeOver?.leaseId),
        takeover_at_ms: number(connection.takeOver?.atMs),
        refresh_shard: number(due?.refreshShard),
        refresh_at: number(due && due.refreshAtMs / 1000),
        failure: failure && {
          M: present({
            code: { S: failure.code },
            count: number(failure.count),
            began_at: instant(failure.beganAtMs),
            last_at: instant(failure.lastAtMs),
            lease_id: { S: failure.leaseId },
            retry_at: instant(failure.retryAtMs),
            error: text(failure.providerError),
            error_description: text(failure.providerErrorDescription),
          }),
        },
      }),
    }),
  );
}

export async function getItem(
  client: DynamoDBClient,
  { connectionId }: Pick<ConnectionKey, "connectionId">,
): Promise<Record<string, AttributeValue> | undefined> {
  const { Item } = await client.send(
    new GetItemCommand({
      TableName: tableNames.connections,
      Key: { connection_id: { S: connectionId } },
      ConsistentRead: true,
    }),
  );
  return Item;
}
