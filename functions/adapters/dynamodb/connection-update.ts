import { ConditionalCheckFailedException, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { Connection, ConnectionKey, WorkspaceId } from "../../domain/model/connection.ts";
import { asStoreUnavailable } from "../aws/clients.ts";
import type { Item } from "./attributes.ts";
import { isNotDeleted } from "./connection-conditions.ts";
import { connectionOf } from "./connection-item.ts";
import { type DynamoDbTable, getItem } from "./table-requests.ts";
import { type Clause, clause, type ItemUpdate, updateExpressions } from "./update-expression.ts";

/** Strongly consistent. */
export const read = async (
  table: DynamoDbTable,
  key: ConnectionKey,
): Promise<Connection | undefined> => connectionIn(await readItem(table, key), key);

/** Strongly consistent, and of any workspace. */
export const readItem = (
  table: DynamoDbTable,
  { connectionId }: ConnectionKey,
): Promise<Item | undefined> => getItem(table, { connection_id: { S: connectionId } });

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
  table: DynamoDbTable,
  key: ConnectionKey,
  change: ConnectionUpdate & { readonly returnsNew: true },
): Promise<Updated<Connection>>;
export function update(
  table: DynamoDbTable,
  key: ConnectionKey,
  change: ConnectionUpdate,
): Promise<Updated<Connection | undefined>>;
export async function update(
  table: DynamoDbTable,
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

/**
 * Reads the connection where the error holds none that the workspace may see: it is absent, it belongs to another
 * workspace, or the engine does not return it. A caller thus cannot tell these apart by the number of requests.
 */
async function storedConnection(
  table: DynamoDbTable,
  key: ConnectionKey,
  item: Item | undefined,
): Promise<Updated<never>> {
  const connection = connectionIn(item, key) ?? (await read(table, key));
  return connection ? { kind: "declined", connection } : { kind: "absent" };
}

const updateCommand = (
  { tableName }: DynamoDbTable,
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
