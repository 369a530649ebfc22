import { dynamoDbSweepPositions } from "../../../functions/adapters/dynamodb/sweep-positions.ts";
import type { ConnectionId } from "../../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../../functions/domain/model/errors.ts";
import type { SweepPositions } from "../../../functions/domain/ports/schedule.ts";
import { type LocalTables, startTables, tableNames } from "../../support/local-dynamodb.ts";
import { startMs } from "../../support/refresh-harness.ts";
import {
  startThrottledDynamoDb,
  type ThrottledDynamoDb,
} from "../../support/throttled-dynamodb.ts";

let tables: LocalTables;
let throttled: ThrottledDynamoDb;
let positions: SweepPositions;
beforeAll(async () => {
  tables = await startTables();
  throttled = await startThrottledDynamoDb();
  positions = dynamoDbSweepPositions({
    client: tables.client,
    tableName: tableNames.coordination,
  });
});
afterAll(() => Promise.all([tables.close(), throttled.close()]));

const lease = (leaseId: string) => ({ leaseId, leaseExpiresAtMs: startMs + 55_000 });

test("a shard has one claim at a time, until it is released or expires", async () => {
  const claims = await Promise.all(
    Array.from({ length: 20 }, (_, n) => positions.claim(1, lease(`sweep-${n}`), startMs)),
  );
  const winner = claims.findIndex((claim) => claim !== undefined);
  expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
  await positions.release(1, "somebody else", undefined);
  expect(await positions.claim(1, lease("late"), startMs)).toBeUndefined();
  await positions.release(1, `sweep-${winner}`, undefined);
  expect(await positions.claim(1, lease("next"), startMs)).toEqual({ position: undefined });
  expect(await positions.claim(1, lease("heir"), startMs + 55_000)).toBeDefined();
});

test("a position is stored to the second and the connection", async () => {
  await positions.claim(2, lease("sweep"), startMs);
  const middle = { refreshAtMs: startMs, connectionId: "conn_1" as ConnectionId };
  expect(await positions.advance(2, "sweep", middle)).toBe(true);
  expect(await positions.position(2)).toEqual(middle);
  const whole = { refreshAtMs: startMs + 1_000, connectionId: undefined };
  await positions.release(2, "sweep", whole);
  expect(await positions.claim(2, lease("next"), startMs)).toEqual({ position: whole });
});

test("a sweep that has lost its claim moves no position", async () => {
  await positions.claim(3, lease("first"), startMs);
  await positions.claim(3, lease("second"), startMs + 60_000);
  const position = { refreshAtMs: startMs, connectionId: undefined };
  expect(await positions.advance(3, "first", position)).toBe(false);
  await positions.release(3, "first", position);
  expect(await positions.position(3)).toBeUndefined();
  expect(await positions.advance(3, "second", position)).toBe(true);
});

test("one sweep in five minutes may catch up, however many ask", async () => {
  const ask = (nowMs: number) =>
    Promise.all(Array.from({ length: 10 }, () => positions.claimCatchUp(nowMs, 300_000)));
  expect((await ask(startMs)).filter(Boolean)).toHaveLength(1);
  expect((await ask(startMs + 299_999)).filter(Boolean)).toHaveLength(0);
  expect((await ask(startMs + 300_000)).filter(Boolean)).toHaveLength(1);
});

test("a shard that was never swept has no position", async () => {
  expect(await positions.position(63)).toBeUndefined();
});

test("a table that does not respond is unavailable", async () => {
  const away = dynamoDbSweepPositions({
    client: throttled.client,
    tableName: tableNames.coordination,
  });
  await expect(away.claim(1, lease("sweep"), startMs)).rejects.toThrow(StoreUnavailable);
  await expect(away.position(1)).rejects.toThrow(StoreUnavailable);
});
