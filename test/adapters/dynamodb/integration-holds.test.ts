import { dynamoDbIntegrationHolds } from "../../../functions/adapters/dynamodb/integration-holds.ts";
import type { RegistrationName } from "../../../functions/domain/model/connection.ts";
import type { IntegrationHold } from "../../../functions/domain/model/integration-hold.ts";
import { type LocalTables, startTables, tableNames } from "../../support/local-dynamodb.ts";
import { startMs } from "../../support/refresh-harness.ts";
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
const hold = (changes: Partial<IntegrationHold> = {}): IntegrationHold => ({
  reason: "provider_failing",
  beganAtMs: startMs,
  untilMs: startMs + 30_000,
  count: 1,
  registrationVersion: "v1",
  ...changes,
});

/** As many processes as are asked for, each with a cache of its own. */
function processes(client = tables.client) {
  let nowMs = startMs;
  const start = () =>
    dynamoDbIntegrationHolds({
      client,
      tableName: tableNames.coordination,
      clock: { nowMs: () => nowMs },
    });
  return {
    start,
    advance: (durationMs: number) => {
      nowMs += durationMs;
    },
  };
}

test("a hold is known to every process within two seconds", async () => {
  const { start, advance } = processes();
  const [one, other] = [start(), start()];
  const name = newName();
  expect(await other.current(name)).toBeUndefined();
  await one.place(name, hold(), undefined);
  expect(await one.current(name)).toEqual(hold());
  expect(await other.current(name)).toBeUndefined();
  advance(2_000);
  expect(await other.current(name)).toEqual(hold());
});

test("of holds that several place at once, one stays, and all know it", async () => {
  const { start } = processes();
  const name = newName();
  const many = Array.from({ length: 10 }, start);
  await Promise.all(
    many.map((one, n) => one.place(name, hold({ untilMs: startMs + 30_000 + n }), undefined)),
  );
  const known = await Promise.all(many.map((one) => one.current(name)));
  expect(new Set(known.map((one) => one?.untilMs)).size).toBe(1);
});

test("a hold replaces the one that its placer knew, and no other", async () => {
  const { start } = processes();
  const [one, other] = [start(), start()];
  const name = newName();
  await one.place(name, hold(), undefined);
  const longer = hold({ untilMs: startMs + 90_000, count: 2 });
  await one.place(name, longer, hold());
  await other.place(name, hold({ untilMs: startMs + 60_000, count: 2 }), hold());
  expect(await other.current(name)).toEqual(longer);
});

test("one of many may probe, and the others see a hold until its time is over", async () => {
  const { start, advance } = processes();
  const name = newName();
  const many = Array.from({ length: 10 }, start);
  await many[0]?.place(name, hold(), undefined);
  advance(30_000);
  const probes = await Promise.all(many.map((one) => one.probe(name, hold(), startMs + 50_000)));
  expect(probes.filter((probe) => probe !== undefined)).toEqual([
    hold({ untilMs: startMs + 50_000 }),
  ]);
  expect(await start().current(name)).toMatchObject({ untilMs: startMs + 50_000 });
});

test("who was let through lifts the hold, unless another was placed meanwhile", async () => {
  const { start } = processes();
  const one = start();
  const name = newName();
  await one.place(name, hold(), undefined);
  await one.lift(name, hold({ untilMs: startMs + 1 }));
  expect(await one.current(name)).toEqual(hold());
  await one.lift(name, hold());
  expect(await one.current(name)).toBeUndefined();
});

test("is asked for once in two seconds, by however many at once", async () => {
  let requests = 0;
  const { client } = tables;
  client.middlewareStack.add(
    (next) => (args) => {
      requests += 1;
      return next(args);
    },
    { step: "initialize", name: "counting" },
  );
  const { start, advance } = processes(client);
  const one = start();
  const name = newName();
  await Promise.all(Array.from({ length: 50 }, () => one.current(name)));
  expect(requests).toBe(1);
  advance(1_999);
  await one.current(name);
  expect(requests).toBe(1);
  client.middlewareStack.remove("counting");
});

test("a table that does not answer holds nobody up: what was known last counts", async () => {
  const { start } = processes(throttled.client);
  const one = start();
  const name = newName();
  expect(await one.current(name)).toBeUndefined();
  await one.place(name, hold(), undefined);
  expect(await one.probe(name, hold(), startMs + 1)).toBeUndefined();
  await one.lift(name, hold());
});
