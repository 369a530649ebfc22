import { ScanCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { Connection, SealedTokenSet } from "../../domain/model/connection.ts";
import type { Item } from "./attributes.ts";
import { versionIs } from "./connection-conditions.ts";
import { connectionOf, credentialsAttribute, MalformedConnection } from "./connection-item.ts";
import { type DynamoDbTable, pages, unlessConditionFails } from "./table-requests.ts";
import { clause, updateExpressions } from "./update-expression.ts";

/**
 * All connections, page by page, for work on the credentials of every one. It is a Scan: for people, never for a
 * function. An item that is not a connection is the error that names its faults.
 * @throws {StoreUnavailable}
 */
export async function* storedConnections({
  client,
  tableName: TableName,
}: DynamoDbTable): AsyncGenerator<readonly (Connection | MalformedConnection)[]> {
  const scan = { TableName, FilterExpression: "attribute_exists(credentials)" };
  for await (const { Items = [] } of pages((ExclusiveStartKey) =>
    client.send(new ScanCommand({ ...scan, ExclusiveStartKey })),
  )) {
    yield Items.map(connectionOrFault);
  }
}

function connectionOrFault(item: Item): Connection | MalformedConnection {
  try {
    return connectionOf(item);
  } catch (error) {
    if (error instanceof MalformedConnection) return error;
    throw error;
  }
}

/**
 * Stores the same token set in another encryption, unless the connection has got another token set since it was read.
 * @returns whether it is stored
 * @throws {StoreUnavailable}
 */
export async function replaceCredentials(
  { client, tableName }: DynamoDbTable,
  { connectionId, credentialsVersion, credentials }: Connection,
  sealed: SealedTokenSet,
): Promise<boolean> {
  if (credentials === undefined) return false;
  const command = new UpdateItemCommand({
    TableName: tableName,
    Key: { connection_id: { S: connectionId } },
    ...updateExpressions({
      set: { credentials: credentialsAttribute(sealed) },
      condition: [
        versionIs(credentialsVersion),
        clause("#credentials = :former", { ":former": credentialsAttribute(credentials) }),
      ],
    }),
  });
  return (await unlessConditionFails(() => client.send(command))) !== undefined;
}
