import { systemClock } from "../../../functions/adapters/clock/system-clock.ts";
import { dynamoDbIntegrationLimits } from "../../../functions/adapters/dynamodb/integration-limits.ts";
import type { RegistrationName } from "../../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../../functions/domain/model/errors.ts";
import type { PermitRequest } from "../../../functions/domain/ports/integration.ts";
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

const limits = (client = tables.client) =>
  dynamoDbIntegrationLimits({
    client,
    tableName: tableNames.coordination,
    clock: systemClock,
    random: Math.random,
  });

let serial = 0;
const newName = () => `integrations/acme-${++serial}` as RegistrationName;
const request = (name: RegistrationName, changes: Partial<PermitRequest>): PermitRequest => ({
  name,
  permitId: `permit-${++serial}`,
  maxConcurrent: undefined,
  maxPerMinute: undefined,
  nowMs: startMs,
  expiresAtMs: startMs + 20_000,
  ...changes,
});

test("all processes together get as many permits as a minute allows", async () => {
  const name = newName();
  const processes = Array.from({ length: 5 }, () => limits());
  let granted = 0;
  for (let round = 0; round < 6; round++) {
    const permits = await Promise.all(
      processes.map((one) => one.acquire(request(name, { maxPerMinute: 12 }))),
    );
    granted += permits.filter(({ kind }) => kind === "granted").length;
  }
  expect(granted).toBe(12);
});

test("as many permits at a time as are allowed; a released one is available again", async () => {
  const name = newName();
  const [one, other] = [limits(), limits()];
  const first = request(name, { maxConcurrent: 2 });
  expect((await one.acquire(first)).kind).toBe("granted");
  expect((await other.acquire(request(name, { maxConcurrent: 2 }))).kind).toBe("granted");
  expect((await other.acquire(request(name, { maxConcurrent: 2 }))).kind).toBe("busy");
  await one.release(name, first.permitId);
  await one.release(name, first.permitId);
  expect((await other.acquire(request(name, { maxConcurrent: 2 }))).kind).toBe("granted");
  expect((await other.acquire(request(name, { maxConcurrent: 2 }))).kind).toBe("busy");
});

test("the permit of a process that died expires", async () => {
  const name = newName();
  await limits().acquire(request(name, { maxConcurrent: 1 }));
  const later = request(name, { maxConcurrent: 1, nowMs: startMs + 20_000 });
  expect((await limits().acquire(later)).kind).toBe("granted");
});

test("a table that does not respond is unavailable, and a release does not fail", async () => {
  const away = limits(throttled.client);
  const name = newName();
  await expect(away.acquire(request(name, { maxPerMinute: 1 }))).rejects.toThrow(StoreUnavailable);
  await away.release(name, "permit");
});
