import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
} from "@aws-sdk/client-dynamodb";
import { asStoreUnavailable } from "../aws/clients.ts";
import type { Item } from "./attributes.ts";

export interface DynamoDbTable {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

/** Strongly consistent. @throws {StoreUnavailable} */
export async function getItem(
  { client, tableName: TableName }: DynamoDbTable,
  key: Item,
): Promise<Item | undefined> {
  const command = new GetItemCommand({ TableName, Key: { ...key }, ConsistentRead: true });
  const { Item } = await asStoreUnavailable("DynamoDB", () => client.send(command));
  return Item;
}

/**
 * @param request a conditional write
 * @returns undefined: the condition does not hold
 * @throws {StoreUnavailable} the item may have been changed, or not
 */
export async function unlessConditionFails<Result>(
  request: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await asStoreUnavailable("DynamoDB", request);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

type StartKey = Record<string, AttributeValue> | undefined;

interface Page {
  readonly LastEvaluatedKey?: StartKey;
}

/**
 * The pages of a query or a scan. A page is requested when it is read.
 * @param request for the page after a key; undefined: for the first one
 * @throws {StoreUnavailable}
 */
export async function* pages<P extends Page>(
  request: (ExclusiveStartKey: StartKey) => Promise<P>,
): AsyncGenerator<P> {
  let startKey: StartKey;
  do {
    const page = await asStoreUnavailable("DynamoDB", () => request(startKey));
    yield page;
    startKey = page.LastEvaluatedKey;
  } while (startKey !== undefined);
}
