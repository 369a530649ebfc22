import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { asStoreUnavailable } from "../aws/clients.ts";
import type { Item } from "./attributes.ts";
import { coordinationKey } from "./tables.ts";
import { type ItemUpdate, updateExpressions } from "./update-expression.ts";

/** A table of small items that all processes share: holds, limits and the positions of the sweep. */
export interface CoordinationTable {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

/** Strongly consistent. @throws {StoreUnavailable} */
export async function readItem(
  { client, tableName }: CoordinationTable,
  itemId: string,
): Promise<Item | undefined> {
  const command = new GetItemCommand({ ...keyOf(tableName, itemId), ConsistentRead: true });
  const { Item } = await asStoreUnavailable("DynamoDB", () => client.send(command));
  return Item;
}

/**
 * @returns the changed item; undefined: the condition does not hold
 * @throws {StoreUnavailable} the item may have been changed, or not
 */
export async function changeItem(
  { client, tableName }: CoordinationTable,
  itemId: string,
  change: ItemUpdate,
): Promise<Item | undefined> {
  const command = new UpdateItemCommand({
    ...keyOf(tableName, itemId),
    ...updateExpressions(change),
    ReturnValues: "ALL_NEW",
  });
  return unlessConditionFails(() => client.send(command).then(({ Attributes = {} }) => Attributes));
}

async function unlessConditionFails<Result>(
  request: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await asStoreUnavailable("DynamoDB", request);
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

const keyOf = (TableName: string, itemId: string) => ({
  TableName,
  Key: { [coordinationKey]: { S: itemId } },
});

export const numberIn = (item: Item, name: string): number | undefined => {
  const value = item[name]?.N;
  return value === undefined ? undefined : Number(value);
};
