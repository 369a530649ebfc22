import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { asStoreUnavailable } from "../aws/clients.ts";
import { coordinationKey } from "./tables.ts";

/** A table of small items that processes agree by: holds, limits, how far the sweep has come. */
export interface CoordinationTable {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export type CoordinationItem = Readonly<Record<string, AttributeValue>>;

/** Strongly consistent. @throws {StoreUnavailable} */
export async function readItem(
  { client, tableName }: CoordinationTable,
  itemId: string,
): Promise<CoordinationItem | undefined> {
  const command = new GetItemCommand({ ...keyOf(tableName, itemId), ConsistentRead: true });
  const { Item } = await asStoreUnavailable("DynamoDB", () => client.send(command));
  return Item;
}

export interface ItemChange {
  readonly set?: Readonly<Record<string, AttributeValue>>;
  /** Further assignments, as they stand in an update expression. */
  readonly assign?: readonly string[];
  readonly remove?: readonly string[];
  /** Undefined: whatever stands there. */
  readonly condition?: string;
  /** Of the condition. */
  readonly values?: Readonly<Record<string, AttributeValue>>;
  /** Of the condition, for what is reserved or nested; `set` and `remove` may use them. */
  readonly names?: Readonly<Record<string, string>>;
}

/**
 * @returns the item as it is then; undefined where the condition does not hold
 * @throws {StoreUnavailable} it may have been changed, or not
 */
export async function changeItem(
  { client, tableName }: CoordinationTable,
  itemId: string,
  { set = {}, assign = [], remove = [], condition, values = {}, names }: ItemChange,
): Promise<CoordinationItem | undefined> {
  const entries = Object.entries(set).map(([name, value], i) => ({ name, token: `:s${i}`, value }));
  const assignments = [...entries.map(({ name, token }) => `${name} = ${token}`), ...assign];
  const clauses = [
    assignments.length > 0 && `SET ${assignments.join(", ")}`,
    remove.length > 0 && `REMOVE ${remove.join(", ")}`,
  ];
  const all = {
    ...values,
    ...Object.fromEntries(entries.map(({ token, value }) => [token, value])),
  };
  const command = new UpdateItemCommand({
    ...keyOf(tableName, itemId),
    UpdateExpression: clauses.filter(Boolean).join(" "),
    ConditionExpression: condition,
    ExpressionAttributeNames: names && { ...names },
    ...(Object.keys(all).length > 0 && { ExpressionAttributeValues: all }),
    ReturnValues: "ALL_NEW",
  });
  return unlessConditionFails(() => client.send(command).then(({ Attributes = {} }) => Attributes));
}

/** @returns whether the condition held. @throws {StoreUnavailable} */
export async function removeItem(
  { client, tableName }: CoordinationTable,
  itemId: string,
  condition: string,
  values: Readonly<Record<string, AttributeValue>>,
): Promise<boolean> {
  const command = new DeleteItemCommand({
    ...keyOf(tableName, itemId),
    ConditionExpression: condition,
    ExpressionAttributeValues: { ...values },
  });
  return (await unlessConditionFails(() => client.send(command))) !== undefined;
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

export const number = (value: number): AttributeValue => ({ N: String(value) });

export const numberIn = (item: CoordinationItem, name: string): number | undefined => {
  const value = item[name]?.N;
  return value === undefined ? undefined : Number(value);
};
