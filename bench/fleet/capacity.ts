import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { dynamoDbConnectionAdmin } from "../../functions/adapters/dynamodb/connection-admin.ts";
import { dynamoDbConnectionStore } from "../../functions/adapters/dynamodb/connection-store.ts";
import { dynamoDbDueIndex } from "../../functions/adapters/dynamodb/due-index.ts";
import { dynamoDbSweepPositions } from "../../functions/adapters/dynamodb/sweep-positions.ts";
import { dueIndex } from "../../functions/adapters/dynamodb/tables.ts";
import type {
  ConnectionId,
  SealedTokenSet,
  WorkspaceId,
} from "../../functions/domain/model/connection.ts";
import { dueAt } from "../../functions/domain/schedule/due.ts";
import { getItem, startTables, tableNames } from "../../test/support/local-dynamodb.ts";
import { type Consumed, meter } from "./capacity-meter.ts";
import { itemBytes, readUnits, writeUnits } from "./item-size.ts";

/** The requests that read or write a connection's item. */
export const operations = ["read", "acquire", "commit", "recordFailure", "postpone"] as const;
export type Operation = (typeof operations)[number];

/** Read units for `read`, write units for the other operations. */
export interface Units {
  readonly table: number;
  /** The units of the index `due`. */
  readonly index: number;
}

export interface MeasuredOperation {
  readonly measured: Consumed;
  /** The units by the documented rules, from the item's size. */
  readonly documented: Units;
}

export interface MeasuredSize {
  readonly kib: number;
  /** The size of the item without a lease. */
  readonly bytes: number;
  readonly operations: Readonly<Record<Operation, MeasuredOperation>>;
}

export interface Capacity {
  readonly engine: string;
  readonly sizes: readonly MeasuredSize[];
  /** The read units of a page of the sweep, and the number of its entries. */
  readonly page: { readonly entries: number; readonly units: number };
  /** The write units of claiming, advancing or releasing a shard. */
  readonly positionWrite: number;
}

const sizesKib = [1, 3, 6];
/** The size of a lease, by which an item without one is smaller. */
const leaseBytes = 80;
const pageEntries = 500;
const workspaceId = "wsp_01JDQ5ZK3V8T6W2X9Y4R7N1M0B" as WorkspaceId;
const idOf = (name: string) => `conn_01JDQ5ZK3V8T6W2X9Y4R${name}` as ConnectionId;
const nowMs = Date.UTC(2026, 0, 1);

/** Sends the service's own requests, and reads the consumed capacity that the engine reports. */
export async function measureCapacity(endpoint?: string): Promise<Capacity> {
  const { client, close } = await startTables(endpoint);
  try {
    const consumed = meter(client, dueIndex.name);
    const sizes: MeasuredSize[] = [];
    for (const kib of sizesKib) sizes.push(await measureSize(client, consumed, kib));
    const page = await measurePage(client, consumed);
    const positionWrite = await measurePosition(client, consumed);
    const engine = endpoint === undefined ? "dynalite, in process" : "TEST_DYNAMODB_ENDPOINT";
    return { engine, sizes, page, positionWrite };
  } finally {
    await close();
  }
}

type Meter = ReturnType<typeof meter>;

/** Writes a connection with these credentials. */
async function putConnection(
  client: DynamoDBClient,
  connectionId: ConnectionId,
  credentials: string,
): Promise<void> {
  const admin = dynamoDbConnectionAdmin({ client, tableName: tableNames.connections });
  const stored = await admin.describe({ connectionId, workspaceId });
  await admin.put({
    expectedVersion: stored?.credentialsVersion,
    version: (stored?.credentialsVersion ?? 0) + 1,
    ...{ connectionId, workspaceId, integration: "salesforce-production" },
    registrationName: undefined,
    label: undefined,
    userId: "user_01JDQ5ZK3V8T6W2X9Y4R7N1M0B",
    config: {},
    credentials: credentials as SealedTokenSet,
    expiresAtMs: nowMs + 3_600_000,
    assumedExpiresAtMs: undefined,
    refreshTokenExpiresAtMs: undefined,
    refreshTokenAbsoluteExpiresAtMs: undefined,
    due: dueAt(connectionId, nowMs),
    putAtMs: nowMs,
  });
}

async function measureSize(
  client: DynamoDBClient,
  consumed: Meter,
  kib: number,
): Promise<MeasuredSize> {
  const connectionId = idOf(`SIZE${kib}`);
  const key = { connectionId, workspaceId };
  const sizeOf = async () => itemBytes((await getItem(client, key)) ?? {});
  await putConnection(client, connectionId, "");
  const credentials = "x".repeat(kib * 1_024 - leaseBytes - (await sizeOf()));
  await putConnection(client, connectionId, credentials);
  const bytes = await sizeOf();
  const store = dynamoDbConnectionStore({ client, tableName: tableNames.connections });
  const lease = { leaseId: "0b6f7c1e-7f0a-4c55-9a39-6a3a3f6a1f4e" };
  const commit = {
    ...{ ...key, credentials: credentials as SealedTokenSet, expiresAtMs: nowMs + 3_600_000 },
    ...{ refreshTokenExpiresAtMs: undefined, refreshTokenAbsoluteExpiresAtMs: undefined },
    status: "active" as const,
  };
  const failure = {
    ...{ code: "provider_error" as const, count: 1, beganAtMs: nowMs, lastAtMs: nowMs },
    ...{ ...lease, retryAtMs: nowMs + 5_000 },
    ...{ providerError: undefined, providerErrorDescription: undefined },
  };
  const acquire = () =>
    store.acquireLease({
      ...{ ...key, ...lease, leaseExpiresAtMs: nowMs + 20_000 },
      ...{ nowMs, refreshedBeforeMs: nowMs },
    });
  const later = (minutes: number) => dueAt(connectionId, nowMs + minutes * 60_000);
  const measure = async (request: () => Promise<unknown>, moves: boolean, isRead = false) => {
    const before = await sizeOf();
    const measured = await consumed(request);
    const size = Math.max(before, await sizeOf());
    const table = isRead ? readUnits(size) : writeUnits(size);
    return { measured, documented: { table, index: moves ? movedEntryUnits : 0 } };
  };
  const read = await measure(() => store.read(key), false, true);
  const acquired = await measure(acquire, false);
  const committed = await measure(
    () =>
      store.commit(
        { ...commit, expectedVersion: 2, version: 3, committedAtMs: nowMs, due: later(40) },
        { leaseId: lease.leaseId, nowMs },
      ),
    true,
  );
  await acquire();
  const failed = await measure(
    () =>
      store.recordFailure({
        ...{ ...key, leaseId: lease.leaseId, expectedVersion: 3, failure },
        ...{ status: undefined, keepLease: false, schedule: later(50) },
      }),
    true,
  );
  const postpone = await measure(
    () =>
      store.postpone({
        ...{ ...key, expectedVersion: 3, refreshAtMs: later(50).refreshAtMs, nowMs },
        ...{ schedule: later(60), failure },
      }),
    true,
  );
  const measured = { read, acquire: acquired, commit: committed, recordFailure: failed, postpone };
  return { kib, bytes, operations: measured };
}

/**
 * Moving an entry deletes and puts it: two writes of an entry smaller than a KiB.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
 */
const movedEntryUnits = 2;

async function measurePage(client: DynamoDBClient, consumed: Meter): Promise<Capacity["page"]> {
  const refreshShard = dueAt(idOf("SIZE1"), 0).refreshShard;
  for (let put = 0, i = 0; put < pageEntries; i++) {
    const connectionId = idOf(`${i}`.padStart(6, "0"));
    if (dueAt(connectionId, 0).refreshShard !== refreshShard) continue;
    await putConnection(client, connectionId, "x");
    put++;
  }
  const index = dynamoDbDueIndex({ client, tableName: tableNames.connections });
  const limit = pageEntries;
  const request = { refreshShard, after: undefined, throughMs: nowMs, limit };
  const { table, index: units = table } = await consumed(() => index.page(request));
  return { entries: pageEntries, units };
}

async function measurePosition(client: DynamoDBClient, consumed: Meter): Promise<number> {
  const positions = dynamoDbSweepPositions({ client, tableName: tableNames.coordination });
  const lease = { leaseId: "0b6f7c1e", leaseExpiresAtMs: nowMs + 60_000 };
  await positions.claim(0, lease, nowMs);
  const position = { refreshAtMs: nowMs, connectionId: idOf("000000") };
  return (await consumed(() => positions.advance(0, lease.leaseId, position))).table;
}
