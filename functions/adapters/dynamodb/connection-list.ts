import { ScanCommand } from "@aws-sdk/client-dynamodb";
import type { Connection, ConnectionStatus, WorkspaceId } from "../../domain/model/connection.ts";
import type { Item } from "./attributes.ts";
import { connectionOf, MalformedConnection } from "./connection-item.ts";
import { type DynamoDbTable, pages } from "./table-requests.ts";
import { connectionKey } from "./tables.ts";

/** A connection in a list. Its credentials are not even read. */
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
  readonly updatedAtMs: number | undefined;
}

/** A member that is undefined admits any value. */
export interface ConnectionFilter {
  readonly workspaceId?: WorkspaceId | undefined;
  readonly integration?: string | undefined;
  readonly status?: ConnectionStatus | undefined;
}

/** For the platform team. */
export interface ConnectionList {
  /**
   * The connections in no order, eventually consistent. A page is read when the caller gets there. An item that is not
   * a connection is listed as the error that names its faults. Throws `StoreUnavailable` as the store does.
   */
  connections(filter: ConnectionFilter): AsyncIterable<ListedConnection | MalformedConnection>;
}

/** Uses a Scan, whose cost grows with the connections stored and not with those found: for people, never for a function. */
export const dynamoDbConnectionList = ({ client, tableName }: DynamoDbTable): ConnectionList => ({
  async *connections(filter) {
    const scan = { TableName: tableName, ...expressions(filter) };
    for await (const { Items = [] } of pages((ExclusiveStartKey) =>
      client.send(new ScanCommand({ ...scan, ExclusiveStartKey })),
    )) {
      yield* Items.map(listedConnectionOf);
    }
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
  "updated_at",
];

function expressions({ workspaceId, integration, status }: ConnectionFilter) {
  const wanted = Object.entries({ workspace_id: workspaceId, integration, status }).filter(
    (entry): entry is [string, WorkspaceId | ConnectionStatus] => entry[1] !== undefined,
  );
  const names = Object.fromEntries(listedAttributes.map((name) => [`#${name}`, name]));
  return {
    ProjectionExpression: Object.keys(names).join(", "),
    ExpressionAttributeNames: names,
    FilterExpression: [
      "attribute_not_exists(deleted_at)",
      ...wanted.map(([name]) => `#${name} = :${name}`),
    ].join(" AND "),
    ...(wanted.length > 0 && {
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
      updatedAtMs: item.updated_at?.S === undefined ? undefined : Date.parse(item.updated_at.S),
    };
  } catch (error) {
    if (error instanceof MalformedConnection) return error;
    throw error;
  }
}
