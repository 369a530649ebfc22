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

/** The names of the operations that a client sends from now on. */
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

test("simultaneous reads are one request, and each caller gets its own connection", async () => {
  const known = ids("known", 10);
  for (const id of known) await put(itemOf(id));
  sent.length = 0;
  const read = reads();
  const found = await Promise.all([...known, "known_0", "absent"].map((id) => read(keyOf(id))));
  expect(found.map((one) => one?.connectionId)).toEqual([...known, "known_0", undefined]);
  expect(sent).toEqual(["BatchGetItemCommand"]);
});

test("a single read is a GetItem", async () => {
  await put(itemOf("lone"));
  sent.length = 0;
  expect(await reads()(keyOf("lone"))).toMatchObject({ connectionId: "lone" });
  expect(sent).toEqual(["GetItemCommand"]);
});

test("a later read is a request of its own", async () => {
  const read = reads();
  const both = () => Promise.all([read(keyOf("later_1")), read(keyOf("later_2"))]);
  expect(await both()).toEqual([undefined, undefined]);
  await put(itemOf("later_1"));
  expect(await both()).toMatchObject([{ connectionId: "later_1" }, undefined]);
});

test("a connection of another workspace is reported as absent", async () => {
  await put({ ...itemOf("foreign"), workspace_id: { S: "wsp_2" } });
  const read = reads();
  expect(await Promise.all([read(keyOf("foreign")), read(keyOf("absent"))])).toEqual([
    undefined,
    undefined,
  ]);
});

test("a malformed item fails only for its own reader", async () => {
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

test("a request has at most the 100 keys that DynamoDB accepts", async () => {
  const many = ids("many", 201);
  await put(itemOf("many_200"));
  sent.length = 0;
  const read = reads();
  const found = await Promise.all(many.map((id) => read(keyOf(id))));
  expect(found.flatMap((one) => one?.connectionId ?? [])).toEqual(["many_200"]);
  expect(sent).toEqual(["BatchGetItemCommand", "BatchGetItemCommand", "GetItemCommand"]);
});

test("a connection that DynamoDB leaves out is read in a request of its own", async () => {
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

describe("a store that does not respond is unavailable to all callers, and is asked again later:", () => {
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
