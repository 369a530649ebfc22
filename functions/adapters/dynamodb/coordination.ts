import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { Item } from "./attributes.ts";
import { type DynamoDbTable, getItem, unlessConditionFails } from "./table-requests.ts";
import { coordinationKey } from "./tables.ts";
import { type ItemUpdate, updateExpressions } from "./update-expression.ts";

/*
 * The coordination table: small items that all processes share, such as holds, limits and the positions of the sweep.
 */

/** Strongly consistent. @throws {StoreUnavailable} */
export const readItem = (table: DynamoDbTable, itemId: string): Promise<Item | undefined> =>
  getItem(table, keyOf(itemId));

/**
 * @returns the changed item; undefined: the condition does not hold
 * @throws {StoreUnavailable} the item may have been changed, or not
 */
export async function changeItem(
  { client, tableName }: DynamoDbTable,
  itemId: string,
  change: ItemUpdate,
): Promise<Item | undefined> {
  const command = new UpdateItemCommand({
    TableName: tableName,
    Key: keyOf(itemId),
    ...updateExpressions(change),
    ReturnValues: "ALL_NEW",
  });
  return unlessConditionFails(() => client.send(command).then(({ Attributes = {} }) => Attributes));
}

const keyOf = (itemId: string) => ({ [coordinationKey]: { S: itemId } });

export const numberIn = (item: Item, name: string): number | undefined => {
  const value = item[name]?.N;
  return value === undefined ? undefined : Number(value);
};
