import { dynamoDbConnectionStore } from "../../functions/adapters/dynamodb/connection-store.ts";
import { inMemoryConnectionStore } from "../support/in-memory-connection-store.ts";
import { getItem, putItem, startTables, tableNames } from "../support/local-dynamodb.ts";
import { connectionStoreContract, type StoreUnderTest } from "./connection-store.contract.ts";

connectionStoreContract("in memory", async () => {
  const store = inMemoryConnectionStore();
  return {
    store,
    put: async (connection, due) => store.put(connection, due),
    due: async ({ connectionId }) => store.due(connectionId),
    close: async () => undefined,
  };
});

const dynamoDb = (endpoint?: string) => async (): Promise<StoreUnderTest> => {
  const { client, close } = await startTables(endpoint);
  return {
    store: dynamoDbConnectionStore({ client, tableName: tableNames.connections }),
    put: (connection, due) => putItem(client, connection, due),
    due: async (key) => {
      const { refresh_shard: shard, refresh_at: at } = (await getItem(client, key)) ?? {};
      if (shard?.N === undefined || at?.N === undefined) return undefined;
      return { refreshShard: Number(shard.N), refreshAtMs: Number(at.N) * 1000 };
    },
    close,
  };
};

connectionStoreContract("DynamoDB, dynalite", dynamoDb());

const { TEST_DYNAMODB_ENDPOINT: endpoint } = process.env;
if (endpoint) connectionStoreContract(`DynamoDB at ${endpoint}`, dynamoDb(endpoint));
