import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Connection, ConnectionKey, WorkspaceId } from "../../domain/model/connection.ts";
import { asStoreUnavailable } from "../aws/clients.ts";
import type { Item } from "./attributes.ts";
import { isNotDeleted } from "./connection-conditions.ts";
import { connectionOf } from "./connection-item.ts";
import { type Clause, clause, type ItemUpdate, updateExpressions } from "./update-expression.ts";

export interface ConnectionTable {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

/** Strongly consistent. */
export const read = async (
  table: ConnectionTable,
  key: ConnectionKey,
): Promise<Connection | undefined> => connectionIn(await readItem(table, key), key);

/** Strongly consistent, and of any workspace. */
export async function readItem(
  { client, tableName }: ConnectionTable,
  { connectionId }: ConnectionKey,
): Promise<Item | undefined> {
  const command = new GetItemCommand({
    TableName: tableName,
    Key: { connection_id: { S: connectionId } },
    ConsistentRead: true,
  });
  const { Item } = await asStoreUnavailable("DynamoDB", () => client.send(command));
  return Item;
}

/** A connection of another workspace is reported as absent, and so is a deleted one. */
export const connectionIn = (
  item: Item | undefined,
  { workspaceId }: ConnectionKey,
): Connection | undefined =>
  item?.workspace_id?.S === workspaceId && item.deleted_at === undefined
    ? connectionOf(item)
    : undefined;

/** A conditional change of one connection, whose workspace is a condition of each. */
export interface ConnectionUpdate extends ItemUpdate {
  /** The result `updated` holds the changed connection. @default false */
  readonly returnsNew?: boolean;
  /** The stored item is not read after a failed condition, and `absent` is the result. @default false */
  readonly ignoresConflict?: boolean;
}

export type Updated<Changed> =
  | { readonly kind: "updated"; readonly connection: Changed }
  | { readonly kind: "declined"; readonly connection: Connection }
  | { readonly kind: "absent" };

export function update(
  table: ConnectionTable,
  key: ConnectionKey,
  change: ConnectionUpdate & { readonly returnsNew: true },
): Promise<Updated<Connection>>;
export function update(
  table: ConnectionTable,
  key: ConnectionKey,
  change: ConnectionUpdate,
): Promise<Updated<Connection | undefined>>;
export async function update(
  table: ConnectionTable,
  key: ConnectionKey,
  change: ConnectionUpdate,
): Promise<Updated<Connection | undefined>> {
  const command = updateCommand(table, key, change);
  try {
    const { Attributes } = await asStoreUnavailable("DynamoDB", () => table.client.send(command));
    return {
      kind: "updated",
      connection: change.returnsNew ? connectionOf(Attributes ?? {}) : undefined,
    };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    if (change.ignoresConflict) return { kind: "absent" };
    return storedConnection(table, key, error.Item);
  }
}

/** Reads the connection where the error has no item: it is absent, or the engine does not return it. */
async function storedConnection(
  table: ConnectionTable,
  key: ConnectionKey,
  item: Item | undefined,
): Promise<Updated<never>> {
  const connection = item === undefined ? await read(table, key) : connectionIn(item, key);
  return connection ? { kind: "declined", connection } : { kind: "absent" };
}

const updateCommand = (
  { tableName }: ConnectionTable,
  { connectionId, workspaceId }: ConnectionKey,
  { condition = [], returnsNew = false, ...change }: ConnectionUpdate,
): UpdateItemCommand =>
  new UpdateItemCommand({
    TableName: tableName,
    Key: { connection_id: { S: connectionId } },
    ...updateExpressions({
      ...change,
      condition: [belongsTo(workspaceId), isNotDeleted, ...condition],
    }),
    ReturnValues: returnsNew ? "ALL_NEW" : "NONE",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  });

export const belongsTo = (workspaceId: WorkspaceId): Clause =>
  clause("workspace_id = :workspaceId", { ":workspaceId": { S: workspaceId } });
