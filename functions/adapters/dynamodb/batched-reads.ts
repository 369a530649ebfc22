import { BatchGetItemCommand } from "@aws-sdk/client-dynamodb";
import type { Connection } from "../../domain/model/connection.ts";
import type { ConnectionStore } from "../../domain/ports/connection-store.ts";
import { asStoreUnavailable } from "../aws/clients.ts";
import type { Item } from "./attributes.ts";
import { connectionIn, read } from "./connection-update.ts";
import type { DynamoDbTable } from "./table-requests.ts";

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const maximumKeys = 100;

/** One request for several connections. It is sent when all callers of this turn of the event loop have added theirs. */
interface Batch {
  readonly connectionIds: Set<string>;
  readonly found: Promise<Found>;
}

interface Found {
  readonly items: ReadonlyMap<string, Item>;
  /** The connections that DynamoDB has left out, because of the size of the response or a throttle. */
  readonly unprocessed: ReadonlySet<string>;
}

/**
 * Reads that start together share a request: the messages of a queue's batch cost one request and not one each. Strongly
 * consistent, at the same capacity as single reads.
 *
 * @throws {StoreUnavailable} for every caller of the request
 */
export function batchedReads(table: DynamoDbTable): ConnectionStore["read"] {
  let batch: Batch | undefined;

  const newBatch = (connectionIds: Set<string>): Batch => {
    const found = Promise.resolve().then(() => {
      if (batch?.connectionIds === connectionIds) batch = undefined;
      return readItems(table, connectionIds);
    });
    return { connectionIds, found };
  };

  return async (key): Promise<Connection | undefined> => {
    const { connectionId } = key;
    if (batch === undefined || batch.connectionIds.size === maximumKeys) {
      batch = newBatch(new Set());
    }
    batch.connectionIds.add(connectionId);
    const { items, unprocessed } = await batch.found;
    if (unprocessed.has(connectionId)) return read(table, key);
    return connectionIn(items.get(connectionId), key);
  };
}

async function readItems(
  { client, tableName }: DynamoDbTable,
  connectionIds: ReadonlySet<string>,
): Promise<Found> {
  if (connectionIds.size === 1) return { items: new Map(), unprocessed: connectionIds };
  const Keys = Array.from(connectionIds, (id) => ({ connection_id: { S: id } }));
  const command = new BatchGetItemCommand({
    RequestItems: { [tableName]: { Keys, ConsistentRead: true } },
  });
  const response = await asStoreUnavailable("DynamoDB", () => client.send(command));
  const items = response.Responses?.[tableName] ?? [];
  const unprocessed = response.UnprocessedKeys?.[tableName]?.Keys ?? [];
  return {
    items: new Map(items.map((item) => [idOf(item), item])),
    unprocessed: new Set(unprocessed.map(idOf)),
  };
}

const idOf = ({ connection_id }: Item): string => connection_id?.S ?? "";
