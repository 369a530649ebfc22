import { promisify } from "node:util";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import db from "dynalite/db/index.js";
import { ensureTables, startDynamoDb } from "../../bin/local/dynamodb.ts";
import { dueIndex, type TableNames } from "../../functions/adapters/dynamodb/tables.ts";
import { serveParent } from "./child.ts";
import { idleItem } from "./fleet.ts";

/**
 * Fills a directory on which the engine is then started. A million items take a quarter of an hour through
 * the engine's API, and a minute if written to its files.
 */

const itemsAtOnce = 1_000;

export interface ConnectionSeed {
  readonly directory: string;
  readonly tables: TableNames;
  readonly count: number;
}

async function createTables({ directory, tables }: ConnectionSeed): Promise<void> {
  const engine = await startDynamoDb({ directory });
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new DynamoDBClient({
    endpoint: engine.endpoint,
    region: "us-east-1",
    credentials,
  });
  await ensureTables(client, tables);
  client.destroy();
  await engine.close();
}

async function fill(seed: ConnectionSeed): Promise<void> {
  await createTables(seed);
  const store = db.create({ path: seed.directory });
  const tableName = seed.tables.connections;
  const table = await promisify(store.getTable)(tableName);
  const itemDb = store.getItemDb(tableName);
  const indexDb = store.getIndexDb("Global", tableName, dueIndex.name);
  for (let first = 0; first < seed.count; first += itemsAtOnce) {
    const count = Math.min(itemsAtOnce, seed.count - first);
    const items = Array.from({ length: count }, (_, i) => idleItem(first + i));
    const entries = items.flatMap(
      (item) => db.getIndexActions(table.GlobalSecondaryIndexes, undefined, item, table).puts,
    );
    await promisify(itemDb.batch)(
      items.map((value) => ({ type: "put", key: db.createKey(value, table), value })),
    );
    await promisify(indexDb.batch)(
      entries.map(({ key, item: value }) => ({ type: "put", key, value })),
    );
  }
}

serveParent(undefined, { fill });
