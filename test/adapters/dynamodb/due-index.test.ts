import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { dynamoDbDueIndex } from "../../../functions/adapters/dynamodb/due-index.ts";
import type { ConnectionId } from "../../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../../functions/domain/model/errors.ts";
import type {
  DueConnection,
  DueIndex,
  SweepPosition,
} from "../../../functions/domain/ports/schedule.ts";
import {
  type LocalTables,
  putItem,
  startTables,
  tableNames,
} from "../../support/local-dynamodb.ts";
import { connection, startMs, workspaceId } from "../../support/refresh-harness.ts";
import {
  startThrottledDynamoDb,
  type ThrottledDynamoDb,
} from "../../support/throttled-dynamodb.ts";

const shard = 7;
let tables: LocalTables;
let throttled: ThrottledDynamoDb;
let index: DueIndex;
beforeAll(async () => {
  tables = await startTables(process.env.TEST_DYNAMODB_ENDPOINT);
  throttled = await startThrottledDynamoDb();
  index = dynamoDbDueIndex({ client: tables.client, tableName: tableNames.connections });
  const due = [
    ...[1, 2, 3].map((n) => ({ id: `conn_a${n}`, refreshAtMs: startMs })),
    { id: "conn_b", refreshAtMs: startMs + 1_000 },
    { id: "conn_c", refreshAtMs: startMs + 5_000 },
  ];
  for (const { id, refreshAtMs } of due) {
    const connectionId = id as ConnectionId;
    await putItem(tables.client, connection({ connectionId }), {
      refreshShard: shard,
      refreshAtMs,
    });
  }
  await putItem(tables.client, connection({ connectionId: "conn_other" as ConnectionId }), {
    refreshShard: 8,
    refreshAtMs: startMs,
  });
  await putItem(tables.client, connection({ connectionId: "conn_unscheduled" as ConnectionId }));
});
afterAll(() => Promise.all([tables.close(), throttled.close()]));

const page = (changes: { after?: SweepPosition; throughMs?: number; limit?: number } = {}) =>
  index.page({
    refreshShard: shard,
    after: undefined,
    throughMs: startMs + 60_000,
    limit: 100,
    ...changes,
  });
const idsIn = (due: readonly DueConnection[]): string[] =>
  due.map(({ connectionId }) => connectionId);

test("a page holds the connections due in a shard, in the order of time, with the members of a message", async () => {
  const { due, next } = await page();
  expect(idsIn(due)).toHaveLength(5);
  expect(idsIn(due).slice(3)).toEqual(["conn_b", "conn_c"]);
  expect(due[3]).toEqual({
    connectionId: "conn_b",
    workspaceId,
    integration: "acme",
    refreshAtMs: startMs + 1_000,
  });
  expect(next).toBeUndefined();
});

test("a page holds nothing that is due later", async () => {
  const { due } = await page({ throughMs: startMs + 4_999 });
  expect(idsIn(due)).not.toContain("conn_c");
});

test("paging through connections of the same second leaves none out", async () => {
  const seen: string[] = [];
  let after: SweepPosition | undefined;
  do {
    const { due, next } = await page({ limit: 1, ...(after && { after }) });
    seen.push(...idsIn(due));
    after = next;
  } while (after !== undefined);
  expect(new Set(seen).size).toBe(5);
  expect(seen).toHaveLength(5);
});

test("a page begins after a position whose entry is gone", async () => {
  const place = { refreshShard: 11, refreshAtMs: startMs };
  for (const n of [1, 2, 3, 4, 5]) {
    const connectionId = `conn_gone_${n}` as ConnectionId;
    await putItem(tables.client, connection({ connectionId }), place);
  }
  const whole = { refreshShard: 11, after: undefined, throughMs: startMs, limit: 100 };
  const [, second, ...others] = idsIn((await index.page(whole)).due);
  const { next } = await index.page({ ...whole, limit: 2 });
  expect(next?.connectionId).toBe(second);
  await putItem(tables.client, connection({ connectionId: second as ConnectionId }));
  const { due } = await index.page({ ...whole, after: next });
  expect(others).toHaveLength(3);
  expect(idsIn(due)).toEqual(others);
});

test("after a completed second, only later connections follow", async () => {
  const { due } = await page({ after: { refreshAtMs: startMs, connectionId: undefined } });
  expect(idsIn(due)).toEqual(["conn_b", "conn_c"]);
});

test("no request is sent when everything up to the time has been swept", async () => {
  const after = { refreshAtMs: startMs + 60_000, connectionId: undefined };
  expect(await page({ after })).toEqual({ due: [], next: undefined });
});

test("counts the connections that are due", async () => {
  expect(await index.count(shard, startMs)).toBe(3);
  expect(await index.count(shard, startMs + 60_000)).toBe(5);
  expect(await index.count(63, startMs + 60_000)).toBe(0);
});

test("an entry without a workspace is ignored", async () => {
  await tables.client.send(
    new PutItemCommand({
      TableName: tableNames.connections,
      Item: {
        connection_id: { S: "conn_odd" },
        refresh_shard: { N: "9" },
        refresh_at: { N: String(startMs / 1000) },
      },
    }),
  );
  const { due } = await index.page({
    ...{ refreshShard: 9, after: undefined, throughMs: startMs, limit: 10 },
  });
  expect(due).toEqual([]);
});

test("a table that does not respond is unavailable", async () => {
  const away = dynamoDbDueIndex({
    client: throttled.client,
    tableName: tableNames.connections,
  });
  const request = { refreshShard: 1, after: undefined, throughMs: startMs, limit: 1 };
  await expect(away.page(request)).rejects.toThrow(StoreUnavailable);
  await expect(away.count(1, startMs)).rejects.toThrow(StoreUnavailable);
});

describe("an entry that this service has not written", () => {
  const oddShard = 10;
  const putEntry = (id: string, integration: string) =>
    tables.client.send(
      new PutItemCommand({
        TableName: tableNames.connections,
        Item: {
          connection_id: { S: id },
          workspace_id: { S: workspaceId },
          integration: { S: integration },
          refresh_shard: { N: String(oddShard) },
          refresh_at: { N: String(startMs / 1000) },
        },
      }),
    );

  test("is ignored, wherever a page ends, and the entries after it are found", async () => {
    for (const n of [1, 2, 3, 4]) {
      await putEntry(`conn:odd:${n}`, "acme");
      await putEntry(`conn_even_${n}`, "acme");
    }
    await putEntry("conn_spaced", "acme corp");
    const seen: string[] = [];
    let after: SweepPosition | undefined;
    do {
      const request = { refreshShard: oddShard, after, throughMs: startMs, limit: 1 };
      const { due, next } = await index.page(request);
      seen.push(...idsIn(due));
      after = next;
    } while (after !== undefined);
    expect(seen.sort()).toEqual([1, 2, 3, 4].map((n) => `conn_even_${n}`));
  });
});
