import type { AttributeValue, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { AwsError, startAwsJsonServer } from "../../../bin/local/aws-json-server.ts";
import { batchedReads } from "../../../functions/adapters/dynamodb/batched-reads.ts";
import { MalformedConnection } from "../../../functions/adapters/dynamodb/connection-item.ts";
import type { ConnectionId, WorkspaceId } from "../../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../../functions/domain/model/errors.ts";
import { localDynamoDbClient } from "../../support/local-aws-clients.ts";
import { type LocalTables, startTables, tableNames } from "../../support/local-dynamodb.ts";
import { startThrottledDynamoDb } from "../../support/throttled-dynamodb.ts";

const workspaceId = "wsp_1" as WorkspaceId;
const keyOf = (id: string) => ({ connectionId: id as ConnectionId, workspaceId });
const itemOf = (id: string): Record<string, AttributeValue> => ({
  connection_id: { S: id },
  workspace_id: { S: workspaceId },
  integration: { S: "acme" },
  status: { S: "active" },
});
const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}_${i}`);

/** Names of the operations that a client has sent since. */
function recordSent({ middlewareStack }: DynamoDBClient): string[] {
  const sent: string[] = [];
  const record = { name: "record", step: "initialize", override: true } as const;
  middlewareStack.add((next, { commandName }) => {
    return (args) => {
      sent.push(commandName ?? "");
      return next(args);
    };
  }, record);
  return sent;
}

let tables: LocalTables;
let sent: string[];
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.close());
beforeEach(() => {
  sent = recordSent(tables.client);
});

const reads = (client = tables.client) =>
  batchedReads({ client, tableName: tableNames.connections });
const put = (item: Record<string, AttributeValue>) =>
  tables.client.send(new PutItemCommand({ TableName: tableNames.connections, Item: item }));

test("what is asked for at once is one request, and everyone has their own", async () => {
  const known = ids("known", 10);
  for (const id of known) await put(itemOf(id));
  sent.length = 0;
  const read = reads();
  const found = await Promise.all([...known, "known_0", "absent"].map((id) => read(keyOf(id))));
  expect(found.map((one) => one?.connectionId)).toEqual([...known, "known_0", undefined]);
  expect(sent).toEqual(["BatchGetItemCommand"]);
});

test("a lone one is a plain read", async () => {
  await put(itemOf("lone"));
  sent.length = 0;
  expect(await reads()(keyOf("lone"))).toMatchObject({ connectionId: "lone" });
  expect(sent).toEqual(["GetItemCommand"]);
});

test("what is asked for later is read anew", async () => {
  const read = reads();
  const both = () => Promise.all([read(keyOf("later_1")), read(keyOf("later_2"))]);
  expect(await both()).toEqual([undefined, undefined]);
  await put(itemOf("later_1"));
  expect(await both()).toMatchObject([{ connectionId: "later_1" }, undefined]);
});

test("of another workspace there is none", async () => {
  await put({ ...itemOf("foreign"), workspace_id: { S: "wsp_2" } });
  const read = reads();
  expect(await Promise.all([read(keyOf("foreign")), read(keyOf("absent"))])).toEqual([
    undefined,
    undefined,
  ]);
});

test("an item that is malformed is one reader's trouble", async () => {
  await put({ ...itemOf("malformed"), status: { S: "odd" } });
  await put(itemOf("sound"));
  const read = reads();
  const [malformed, sound] = await Promise.allSettled([
    read(keyOf("malformed")),
    read(keyOf("sound")),
  ]);
  expect(malformed).toMatchObject({ reason: expect.any(MalformedConnection) });
  expect(sound).toMatchObject({ value: { connectionId: "sound" } });
});

test("a request has no more keys than DynamoDB takes", async () => {
  const many = ids("many", 201);
  await put(itemOf("many_200"));
  sent.length = 0;
  const read = reads();
  const found = await Promise.all(many.map((id) => read(keyOf(id))));
  expect(found.flatMap((one) => one?.connectionId ?? [])).toEqual(["many_200"]);
  expect(sent).toEqual(["BatchGetItemCommand", "BatchGetItemCommand", "GetItemCommand"]);
});

test("what DynamoDB leaves out is read by itself", async () => {
  const leavesOut = ["left_out"];
  const server = await startAwsJsonServer({
    targetPrefix: "DynamoDB_20120810",
    operations: {
      BatchGetItem: () => ({
        Responses: { connections: [itemOf("read")] },
        UnprocessedKeys: {
          connections: { Keys: leavesOut.map((id) => ({ connection_id: { S: id } })) },
        },
      }),
      GetItem: () => ({ Item: itemOf("left_out") }),
    },
  });
  const client = localDynamoDbClient(server.endpoint);
  const read = reads(client);
  const found = await Promise.all(["read", "left_out", "absent"].map((id) => read(keyOf(id))));
  expect(found.map((one) => one?.connectionId)).toEqual(["read", "left_out", undefined]);
  expect(server.requests()).toEqual({ BatchGetItem: 1, GetItem: 1 });
  client.destroy();
  await server.close();
});

describe("a store that does not answer is unavailable to all, and is asked again:", () => {
  test("throttled", async () => {
    const throttled = await startThrottledDynamoDb();
    const read = reads(throttled.client);
    const outcomes = await Promise.allSettled(ids("any", 3).map((id) => read(keyOf(id))));
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: expect.any(StoreUnavailable) });
    }
    await throttled.close();
  });

  test("failing once", async () => {
    let calls = 0;
    const server = await startAwsJsonServer({
      targetPrefix: "DynamoDB_20120810",
      operations: {
        BatchGetItem: () => {
          calls += 1;
          if (calls === 1) throw new AwsError("InternalServerError", "not now", 500);
          return { Responses: { connections: ids("any", 2).map(itemOf) } };
        },
      },
    });
    const client = localDynamoDbClient(server.endpoint);
    const read = reads(client);
    const both = () => Promise.all(ids("any", 2).map((id) => read(keyOf(id))));
    await expect(both()).rejects.toBeInstanceOf(StoreUnavailable);
    expect(await both()).toMatchObject([{ connectionId: "any_0" }, { connectionId: "any_1" }]);
    client.destroy();
    await server.close();
  });
});
