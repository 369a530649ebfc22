import { BatchGetItemCommand } from "@aws-sdk/client-dynamodb";
import type { Connection } from "../../domain/model/connection.ts";
import type { ConnectionStore } from "../../domain/ports/connection-store.ts";
import { asStoreUnavailable } from "../aws/clients.ts";
import type { Item } from "./attributes.ts";
import { type ConnectionTable, connectionIn, read } from "./connection-update.ts";

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const maximumKeys = 100;

/** One request for several connections, which is sent once all that runs now has asked. */
interface Gathering {
  readonly connectionIds: Set<string>;
  readonly answer: Promise<Answer>;
}

interface Answer {
  readonly items: ReadonlyMap<string, Item>;
  /** What DynamoDB has left out, for its size or a throttle. */
  readonly unprocessed: ReadonlySet<string>;
}

/**
 * A read for whoever asks for many at once: the messages of a batch cost one request and not one each.
 * Strongly consistent, and of the same capacity as single reads.
 *
 * @throws {StoreUnavailable} for all that were read together
 */
export function batchedReads(table: ConnectionTable): ConnectionStore["read"] {
  let gathering: Gathering | undefined;

  const gather = (connectionIds: Set<string>): Gathering => {
    const answer = Promise.resolve().then(() => {
      if (gathering?.connectionIds === connectionIds) gathering = undefined;
      return readItems(table, connectionIds);
    });
    return { connectionIds, answer };
  };

  return async (key): Promise<Connection | undefined> => {
    const { connectionId } = key;
    if (gathering === undefined || gathering.connectionIds.size === maximumKeys) {
      gathering = gather(new Set());
    }
    gathering.connectionIds.add(connectionId);
    const { items, unprocessed } = await gathering.answer;
    if (unprocessed.has(connectionId)) return read(table, key);
    return connectionIn(items.get(connectionId), key);
  };
}

async function readItems(
  { client, tableName }: ConnectionTable,
  connectionIds: ReadonlySet<string>,
): Promise<Answer> {
  if (connectionIds.size === 1) return { items: new Map(), unprocessed: connectionIds };
  const Keys = Array.from(connectionIds, (id) => ({ connection_id: { S: id } }));
  const command = new BatchGetItemCommand({
    RequestItems: { [tableName]: { Keys, ConsistentRead: true } },
  });
  const answer = await asStoreUnavailable("DynamoDB", () => client.send(command));
  const items = answer.Responses?.[tableName] ?? [];
  const unprocessed = answer.UnprocessedKeys?.[tableName]?.Keys ?? [];
  return {
    items: new Map(items.map((item) => [idOf(item), item])),
    unprocessed: new Set(unprocessed.map(idOf)),
  };
}

const idOf = ({ connection_id }: Item): string => connection_id?.S ?? "";
