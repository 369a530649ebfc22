import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type LocalDynamoDb, startDynamoDb } from "../../../bin/local/dynamodb.ts";
import { dynamoDbConnectionStore } from "../../../functions/adapters/dynamodb/connection-store.ts";
import type { ConnectionId, WorkspaceId } from "../../../functions/domain/model/connection.ts";
import { localDynamoDbClient } from "../../support/local-aws-clients.ts";
import {
  getItem,
  type LocalTables,
  putItem,
  startTables,
  tableNames,
} from "../../support/local-dynamodb.ts";
import { connection } from "../../support/refresh-harness.ts";

const nowMs = Date.UTC(2026, 0, 1, 12);
const workspaceId = "wsp_1" as WorkspaceId;
const foreignId = "conn_foreign" as ConnectionId;
const absentId = "conn_absent" as ConnectionId;

let server: LocalDynamoDb;
let tables: LocalTables;
beforeAll(async () => {
  server = await startDynamoDb();
  tables = await startTables(server.endpoint);
  await putItem(tables.client, {
    ...connection(),
    connectionId: foreignId,
    workspaceId: "wsp_2" as WorkspaceId,
  });
});
afterAll(async () => {
  await tables.close();
  await server.close();
});

/** A client that counts its requests. An error of a failed condition holds the item, as DynamoDB's does. */
function recordingClient() {
  const sent: string[] = [];
  const client = localDynamoDbClient(server.endpoint);
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        sent.push(String(commandName));
        try {
          return await next(args);
        } catch (error) {
          if (!(error instanceof ConditionalCheckFailedException)) throw error;
          const { Key } = args.input as { Key: { connection_id: { S: ConnectionId } } };
          const item = await getItem(tables.client, { connectionId: Key.connection_id.S });
          throw Object.assign(error, { ...(item && { Item: item }) });
        }
      },
    { step: "initialize" },
  );
  return { client, sent };
}

async function requestsFor(connectionId: ConnectionId) {
  const { client, sent } = recordingClient();
  const store = dynamoDbConnectionStore({ client, tableName: tableNames.connections });
  const key = { connectionId, workspaceId };
  const acquisition = await store.acquireLease({
    ...{ ...key, leaseId: "lease-a", leaseExpiresAtMs: nowMs + 20_000, nowMs },
    refreshedBeforeMs: nowMs,
  });
  const read = await store.read(key);
  client.destroy();
  return { acquisition, read, sent };
}

test("a connection of another workspace costs the same requests as an absent one", async () => {
  const foreign = await requestsFor(foreignId);
  expect(foreign).toEqual({
    acquisition: { kind: "absent" },
    read: undefined,
    sent: ["UpdateItemCommand", "GetItemCommand", "GetItemCommand"],
  });
  expect(await requestsFor(absentId)).toEqual(foreign);
});
