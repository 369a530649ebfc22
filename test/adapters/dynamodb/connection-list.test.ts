import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { MalformedConnection } from "../../../functions/adapters/dynamodb/connection-item.ts";
import {
  type ConnectionFilter,
  dynamoDbConnectionList,
  type ListedConnection,
} from "../../../functions/adapters/dynamodb/connection-list.ts";
import type {
  Connection,
  ConnectionId,
  SealedTokenSet,
  WorkspaceId,
} from "../../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../../functions/domain/model/errors.ts";
import {
  type LocalTables,
  putItem,
  startTables,
  tableNames,
} from "../../support/local-dynamodb.ts";
import { connection, startMs } from "../../support/refresh-harness.ts";
import { startThrottledDynamoDb } from "../../support/throttled-dynamodb.ts";

let tables: LocalTables;
beforeEach(async () => {
  tables = await startTables();
});
afterEach(() => tables.close());

const list = (client = tables.client) =>
  dynamoDbConnectionList({ client, tableName: tableNames.connections });

async function listed(filter: ConnectionFilter = {}) {
  const found: (ListedConnection | MalformedConnection)[] = [];
  for await (const one of list().connections(filter)) found.push(one);
  return found;
}

const ids = (found: Awaited<ReturnType<typeof listed>>) =>
  found.map((one) => ("connectionId" in one ? one.connectionId : one.message)).sort();

const store = (id: string, changes: Partial<Connection> = {}) =>
  putItem(tables.client, connection({ connectionId: id as ConnectionId, ...changes }));

test("a listed connection has its shown members, and its credentials are not read", async () => {
  await putItem(
    tables.client,
    connection({
      refreshTokenExpiresAtMs: startMs + 1_000,
      refreshTokenAbsoluteExpiresAtMs: startMs + 2_000,
    }),
    { refreshShard: 7, refreshAtMs: startMs + 3_000 },
  );
  const answered: unknown[] = [];
  tables.client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      if (result.output && "Items" in result.output) answered.push(...(result.output.Items ?? []));
      return result;
    },
    { step: "deserialize", priority: "high" },
  );
  expect(await listed()).toEqual([
    {
      connectionId: "conn_1",
      workspaceId: "wsp_1",
      integration: "acme",
      status: "active",
      label: undefined,
      expiresAtMs: startMs + 3_600_000,
      refreshTokenExpiresAtMs: startMs + 1_000,
      refreshTokenAbsoluteExpiresAtMs: startMs + 2_000,
      refreshAtMs: startMs + 3_000,
    },
  ]);
  expect(answered.map((item) => Object.keys(item as object).sort())).toEqual([
    [
      "connection_id",
      "expires_at",
      "integration",
      "refresh_at",
      "refresh_token_absolute_expires_at",
      "refresh_token_expires_at",
      "status",
      "workspace_id",
    ],
  ]);
});

test.each<[string, ConnectionFilter, string[]]>([
  ["a workspace", { workspaceId: "wsp_2" as WorkspaceId }, ["c", "d"]],
  ["an integration", { integration: "mail" }, ["b", "d"]],
  ["a status", { status: "error" }, ["b"]],
  ["all of them at once", { workspaceId: "wsp_2" as WorkspaceId, integration: "mail" }, ["d"]],
  ["none", {}, ["a", "b", "c", "d"]],
  ["one that nobody has", { status: "testing" }, []],
])("lists the connections of %s", async (_, filter, expected) => {
  await store("a");
  await store("b", { integration: "mail", status: "error" });
  await store("c", { workspaceId: "wsp_2" as WorkspaceId });
  await store("d", { workspaceId: "wsp_2" as WorkspaceId, integration: "mail" });
  expect(ids(await listed(filter))).toEqual(expected);
});

/** A page of a Scan ends at 1 MB of stored data, whatever is projected. */
const largeCredentials = "x".repeat(300_000) as SealedTokenSet;

test("pages are read on demand, and each connection is listed once", async () => {
  const stored = Array.from({ length: 12 }, (_, i) => `conn_${i + 10}`);
  for (const id of stored) await store(id, { credentials: largeCredentials });
  let pages = 0;
  tables.client.middlewareStack.add(
    (next) => (args) => {
      pages++;
      return next(args);
    },
    { step: "initialize" },
  );
  expect(ids(await listed())).toEqual(stored);
  expect(pages).toBeGreaterThan(2);
  pages = 0;
  for await (const _ of list().connections({})) break;
  expect(pages).toBe(1);
});

test("a malformed item is listed as an error that names its attributes, without values", async () => {
  await store("good");
  await tables.client.send(
    new PutItemCommand({
      TableName: tableNames.connections,
      Item: {
        connection_id: { S: "bad" },
        workspace_id: { S: "wsp_1" },
        integration: { S: "acme" },
        status: { S: "sleeping" },
      },
    }),
  );
  expect(ids(await listed())).toEqual([
    "connection bad: status: expected one of active, inactive, testing, error, expired",
    "good",
  ]);
});

test("a store that does not respond is unavailable", async () => {
  const throttled = await startThrottledDynamoDb();
  const connections = list(throttled.client).connections({})[Symbol.asyncIterator]();
  await expect(connections.next()).rejects.toThrow(StoreUnavailable);
  await throttled.close();
});
