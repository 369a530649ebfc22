import { type AttributeValue, type DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import type { Connection, ConnectionStatus, WorkspaceId } from "../../domain/model/connection.ts";
import { asStoreUnavailable } from "../aws/clients.ts";
import type { Item } from "./attributes.ts";
import { connectionOf, MalformedConnection } from "./connection-item.ts";
import { connectionKey } from "./tables.ts";

/** What a list tells of a connection: nothing of its credentials is even asked for. */
export interface ListedConnection
  extends Pick<
    Connection,
    | "connectionId"
    | "workspaceId"
    | "integration"
    | "status"
    | "expiresAtMs"
    | "refreshTokenExpiresAtMs"
    | "refreshTokenAbsoluteExpiresAtMs"
    | "refreshAtMs"
  > {
  readonly label: string | undefined;
}

/** Each undefined: any. */
export interface ConnectionFilter {
  readonly workspaceId?: WorkspaceId | undefined;
  readonly integration?: string | undefined;
  readonly status?: ConnectionStatus | undefined;
}

/** For the platform team. */
export interface ConnectionList {
  /**
   * In no order, page by page, as far as it is read; each as it was a moment ago. What is not a
   * connection is told in its place. Throws `StoreUnavailable` as the store does.
   */
  connections(filter: ConnectionFilter): AsyncIterable<ListedConnection | MalformedConnection>;
}

export interface DynamoDbConnectionListOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

/** By a Scan, which costs what is stored and not what is found: for people, never for a function. */
export const dynamoDbConnectionList = ({
  client,
  tableName,
}: DynamoDbConnectionListOptions): ConnectionList => ({
  async *connections(filter) {
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const command = new ScanCommand({
        TableName: tableName,
        ...expressions(filter),
        ExclusiveStartKey,
      });
      const page = await asStoreUnavailable("DynamoDB", () => client.send(command));
      yield* (page.Items ?? []).map(listedConnectionOf);
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
  },
});

const listedAttributes = [
  connectionKey,
  "workspace_id",
  "integration",
  "status",
  "label",
  "expires_at",
  "refresh_token_expires_at",
  "refresh_token_absolute_expires_at",
  "refresh_at",
];

function expressions({ workspaceId, integration, status }: ConnectionFilter) {
  const wanted = Object.entries({ workspace_id: workspaceId, integration, status }).filter(
    (entry): entry is [string, WorkspaceId | ConnectionStatus] => entry[1] !== undefined,
  );
  const names = Object.fromEntries(listedAttributes.map((name) => [`#${name}`, name]));
  return {
    ProjectionExpression: Object.keys(names).join(", "),
    ExpressionAttributeNames: names,
    ...(wanted.length > 0 && {
      FilterExpression: wanted.map(([name]) => `#${name} = :${name}`).join(" AND "),
      ExpressionAttributeValues: Object.fromEntries(
        wanted.map(([name, value]) => [`:${name}`, { S: value }]),
      ),
    }),
  };
}

function listedConnectionOf(item: Item): ListedConnection | MalformedConnection {
  try {
    const connection = connectionOf(item);
    return {
      connectionId: connection.connectionId,
      workspaceId: connection.workspaceId,
      integration: connection.integration,
      status: connection.status,
      label: item.label?.S,
      expiresAtMs: connection.expiresAtMs,
      refreshTokenExpiresAtMs: connection.refreshTokenExpiresAtMs,
      refreshTokenAbsoluteExpiresAtMs: connection.refreshTokenAbsoluteExpiresAtMs,
      refreshAtMs: connection.refreshAtMs,
    };
  } catch (error) {
    if (error instanceof MalformedConnection) return error;
    throw error;
  }
}
