import { dynamoDbIntegrationHolds } from "../../../functions/adapters/dynamodb/integration-holds.ts";
import { dynamoDbTroubleEvidence } from "../../../functions/adapters/dynamodb/trouble-evidence.ts";
import type {
  ConnectionId,
  RegistrationName,
  WorkspaceId,
} from "../../../functions/domain/model/connection.ts";
import type { SharedFailure } from "../../../functions/domain/ports/integration.ts";
import { type LocalTables, startTables, tableNames } from "../../support/local-dynamodb.ts";
import { hold, startMs } from "../../support/refresh-harness.ts";
import {
  startThrottledDynamoDb,
  type ThrottledDynamoDb,
} from "../../support/throttled-dynamodb.ts";

let tables: LocalTables;
let throttled: ThrottledDynamoDb;
beforeAll(async () => {
  tables = await startTables();
  throttled = await startThrottledDynamoDb();
});
afterAll(() => Promise.all([tables.close(), throttled.close()]));

let serial = 0;
const newName = () => `integrations/acme-${++serial}` as RegistrationName;
const origin = "https://acme.example";
const window = { origin, beganAtMs: startMs };
const failure = (n: number): SharedFailure => ({
  reason: "provider_failing",
  connection: {
    connectionId: `conn_${n}` as ConnectionId,
    workspaceId: `wsp_${n}` as WorkspaceId,
  },
  origin,
});

/** One process, and the requests that it sends. */
function observed(client = tables.client) {
  let nowMs = startMs;
  const requests: string[] = [];
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        requests.push(String(commandName));
        return next(args);
      },
    { step: "initialize", name: "counting", override: true },
  );
  const options = { client, tableName: tableNames.coordination, clock: { nowMs: () => nowMs } };
  return {
    holds: dynamoDbIntegrationHolds(options),
    evidence: dynamoDbTroubleEvidence(options),
    advance: (durationMs: number) => {
      nowMs += durationMs;
    },
    /** The requests since the last call. */
    requests: () => requests.splice(0),
  };
}

test("while nothing fails, one read in two seconds serves however many ask at once", async () => {
  const { holds, requests, advance } = observed();
  const name = newName();
  await Promise.all(Array.from({ length: 50 }, () => holds.current(name)));
  advance(1_999);
  await holds.current(name);
  expect(requests()).toEqual(["GetItemCommand"]);
});

test("the first failure of a window costs two writes, and the same connection's next ones nothing", async () => {
  const { holds, evidence, requests, advance } = observed();
  const name = newName();
  await holds.openWindow(name, window);
  await evidence.addFailure(name, window, failure(1));
  expect(requests()).toEqual(["UpdateItemCommand", "UpdateItemCommand"]);
  for (let n = 0; n < 10; n++) await evidence.addFailure(name, window, failure(1));
  expect(requests()).toEqual([]);
  advance(5_000);
  const seen = await evidence.addFailure(name, window, failure(1));
  expect(requests()).toEqual(["UpdateItemCommand"]);
  expect(seen?.refused).toBe(12);
});

test("of many successes, the first is stored at once, and the others every five seconds", async () => {
  const { evidence, requests, advance } = observed();
  const name = newName();
  for (let n = 0; n < 100; n++) await evidence.addSuccess(name, window);
  expect(requests()).toEqual(["UpdateItemCommand"]);
  advance(5_000);
  await evidence.addSuccess(name, window);
  expect(requests()).toEqual(["UpdateItemCommand"]);
  expect(await evidence.addFailure(name, window, failure(1))).toMatchObject({
    refused: 1,
    succeeded: 101,
  });
});

test("a connection beyond the eight that are named is counted, and costs no write of its own", async () => {
  const { evidence, requests } = observed();
  const name = newName();
  for (let n = 0; n < 8; n++) await evidence.addFailure(name, window, failure(n));
  requests();
  for (let n = 8; n < 20; n++) await evidence.addFailure(name, window, failure(n));
  expect(requests()).toEqual([]);
});

test("an item keeps fifty windows at most, and drops those that are over", async () => {
  const { holds, advance } = observed();
  const name = newName();
  const windowOf = (n: number, beganAtMs: number) => ({
    origin: `https://t${n}.acme.example`,
    beganAtMs,
  });
  for (let n = 0; n < 50; n++) {
    expect(await holds.openWindow(name, windowOf(n, startMs))).toBeDefined();
  }
  expect(await holds.openWindow(name, windowOf(50, startMs))).toBeUndefined();
  advance(10 * 60_000);
  const next = windowOf(50, startMs + 10 * 60_000);
  expect(await holds.openWindow(name, next)).toEqual(next);
  expect((await holds.current(name)).windows).toEqual([next]);
});

test("a table that does not respond holds nobody up: the last known state counts", async () => {
  const { holds, evidence } = observed(throttled.client);
  const name = newName();
  const nothing = { holds: [], windows: [] };
  expect(await holds.current(name)).toEqual(nothing);
  expect(await holds.replace(name, undefined, hold())).toBe(false);
  expect(await holds.lift(name, hold())).toBe(false);
  expect(await holds.openWindow(name, window)).toBeUndefined();
  expect(await evidence.addFailure(name, window, failure(1))).toBeUndefined();
  await evidence.addSuccess(name, window);
});
