import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Connection, ConnectionKey } from "../../domain/model/connection.ts";
import { asStoreUnavailable } from "../aws/clients.ts";
import type { Item } from "./attributes.ts";
import { connectionOf } from "./connection-item.ts";

export interface ConnectionTable {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

/** Strongly consistent. */
export async function read(
  { client, tableName }: ConnectionTable,
  key: ConnectionKey,
): Promise<Connection | undefined> {
  const command = new GetItemCommand({
    TableName: tableName,
    Key: { connection_id: { S: key.connectionId } },
    ConsistentRead: true,
  });
  const { Item: item } = await asStoreUnavailable("DynamoDB", () => client.send(command));
  return connectionIn(item, key);
}

/** Of another workspace there is none. */
export const connectionIn = (
  item: Item | undefined,
  { workspaceId }: ConnectionKey,
): Connection | undefined =>
  item?.workspace_id?.S === workspaceId ? connectionOf(item) : undefined;

const belongsToWorkspace = "workspace_id = :workspaceId";

/** A conditional change of one connection's item. */
export interface Update {
  /** Attributes by name; `#status` for `status`, a reserved word. */
  readonly set: Readonly<Record<string, AttributeValue>>;
  readonly remove: readonly string[];
  /** All of these, beside the workspace. */
  readonly condition: readonly string[];
  /** Of the condition. */
  readonly values: Readonly<Record<string, AttributeValue>>;
  /** Answers `updated` with the connection as it is then. */
  readonly returnNew?: boolean;
  /** What stands there after a failed condition does not matter. */
  readonly unread?: boolean;
}

export type Updated<Connected> =
  | { readonly kind: "updated"; readonly connection: Connected }
  | { readonly kind: "declined"; readonly connection: Connection }
  | { readonly kind: "absent" };

export function update(
  options: ConnectionTable,
  key: ConnectionKey,
  change: Update & { readonly returnNew: true },
): Promise<Updated<Connection>>;
export function update(
  options: ConnectionTable,
  key: ConnectionKey,
  change: Update,
): Promise<Updated<Connection | undefined>>;
export async function update(
  options: ConnectionTable,
  key: ConnectionKey,
  change: Update,
): Promise<Updated<Connection | undefined>> {
  const command = updateCommand(options, key, change);
  try {
    const { Attributes } = await asStoreUnavailable("DynamoDB", () => options.client.send(command));
    return {
      kind: "updated",
      connection: change.returnNew ? connectionOf(Attributes ?? {}) : undefined,
    };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    if (change.unread) return { kind: "absent" };
    return standing(options, key, error.Item);
  }
}

/** Without an item in the error the connection may be absent, or the engine not tell: it is read. */
async function standing(
  options: ConnectionTable,
  key: ConnectionKey,
  item: Item | undefined,
): Promise<Updated<never>> {
  const connection = item === undefined ? await read(options, key) : connectionIn(item, key);
  return connection ? { kind: "declined", connection } : { kind: "absent" };
}

function updateCommand(
  { tableName }: ConnectionTable,
  { connectionId, workspaceId }: ConnectionKey,
  { set, remove, condition, values, returnNew }: Update,
): UpdateItemCommand {
  const assignments = Object.entries(set).map(([name, value], i) => ({
    name,
    token: `:set${i}`,
    value,
  }));
  const clauses = [
    assignments.length > 0 &&
      `SET ${assignments.map(({ name, token }) => `${name} = ${token}`).join(", ")}`,
    remove.length > 0 && `REMOVE ${remove.join(", ")}`,
  ];
  const expressions = [...condition, ...Object.keys(set)].join(" ");
  return new UpdateItemCommand({
    TableName: tableName,
    Key: { connection_id: { S: connectionId } },
    UpdateExpression: clauses.filter(Boolean).join(" "),
    ConditionExpression: [belongsToWorkspace, ...condition].join(" AND "),
    ...(expressions.includes("#status") && { ExpressionAttributeNames: { "#status": "status" } }),
    ExpressionAttributeValues: {
      ":workspaceId": { S: workspaceId },
      ...values,
      ...Object.fromEntries(assignments.map(({ token, value }) => [token, value])),
    },
    ReturnValues: returnNew ? "ALL_NEW" : "NONE",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  });
}
