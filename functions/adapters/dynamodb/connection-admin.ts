import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type {
  Connection,
  ConnectionKey,
  RegistrationName,
  SealedTokenSet,
} from "../../domain/model/connection.ts";
import { isoSecond } from "../../domain/model/instant.ts";
import type { Due } from "../../domain/ports/connection-store.ts";
import { asStoreUnavailable } from "../aws/clients.ts";
import { secondAttribute, stringAttribute, withoutUndefined } from "./attributes.ts";
import { connectionOf, dueAttributes } from "./connection-item.ts";

/** A connection and its first token set, sealed for its key. */
export interface ConnectionDraft extends ConnectionKey {
  readonly integration: string;
  /** Undefined: the integration's own. */
  readonly registrationName: RegistrationName | undefined;
  readonly label: string | undefined;
  readonly userId: string | undefined;
  readonly config: Readonly<Record<string, string>>;
  readonly credentials: SealedTokenSet;
  readonly expiresAtMs: number | undefined;
  readonly assumedExpiresAtMs: number | undefined;
  readonly refreshTokenExpiresAtMs: number | undefined;
  readonly refreshTokenAbsoluteExpiresAtMs: number | undefined;
  readonly due: Due | undefined;
  readonly putAtMs: number;
}

/** A connection with what a refresh does not need to know. */
export interface DescribedConnection extends Connection {
  readonly label: string | undefined;
  readonly userId: string | undefined;
  readonly createdAtMs: number | undefined;
  readonly updatedAtMs: number | undefined;
}

/** For the platform team; every method rejects with `StoreUnavailable` as the store's do. */
export interface ConnectionAdmin {
  /**
   * Creates a connection, or gives it new credentials. The version grows, so that a refresh of the old
   * ones that is under way drops its result.
   *
   * @throws {ForeignConnection}
   */
  put(draft: ConnectionDraft): Promise<PutOutcome>;
  describe(key: ConnectionKey): Promise<DescribedConnection | undefined>;
}

export type PutOutcome = "created" | "replaced";

/** The connection's name is taken by another workspace. */
export class ForeignConnection extends Error {
  constructor({ connectionId }: ConnectionKey) {
    super(`connection ${connectionId} belongs to another workspace`);
    this.name = "ForeignConnection";
  }
}

export interface DynamoDbConnectionAdminOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export const dynamoDbConnectionAdmin = ({
  client,
  tableName,
}: DynamoDbConnectionAdminOptions): ConnectionAdmin => ({
  async put(draft) {
    try {
      const { Attributes } = await asStoreUnavailable("DynamoDB", () =>
        client.send(putCommand(tableName, draft)),
      );
      return Attributes?.connection_id === undefined ? "created" : "replaced";
    } catch (error) {
      throw error instanceof ConditionalCheckFailedException ? new ForeignConnection(draft) : error;
    }
  },

  async describe({ connectionId, workspaceId }) {
    const command = new GetItemCommand({
      TableName: tableName,
      Key: { connection_id: { S: connectionId } },
      ConsistentRead: true,
    });
    const { Item: item } = await asStoreUnavailable("DynamoDB", () => client.send(command));
    if (item?.workspace_id?.S !== workspaceId) return undefined;
    return {
      ...connectionOf(item),
      label: item.label?.S,
      userId: item.user_id?.S,
      createdAtMs: instantMs(item.created_at?.S),
      updatedAtMs: instantMs(item.updated_at?.S),
    };
  },
});

const instantMs = (instant: string | undefined): number | undefined =>
  instant === undefined ? undefined : Date.parse(instant);

function putCommand(tableName: string, draft: ConnectionDraft): UpdateItemCommand {
  const { due } = draft;
  const attributes: Record<string, AttributeValue | undefined> = {
    workspace_id: { S: draft.workspaceId },
    integration: { S: draft.integration },
    client_registration: stringAttribute(draft.registrationName),
    label: stringAttribute(draft.label),
    user_id: stringAttribute(draft.userId),
    config: {
      M: Object.fromEntries(
        Object.entries(draft.config).map(([name, value]) => [name, { S: value }]),
      ),
    },
    status: { S: "active" },
    credentials: { S: draft.credentials },
    expires_at: secondAttribute(draft.expiresAtMs),
    assumed_expires_at: secondAttribute(draft.assumedExpiresAtMs),
    refresh_token_expires_at: secondAttribute(draft.refreshTokenExpiresAtMs),
    refresh_token_absolute_expires_at: secondAttribute(draft.refreshTokenAbsoluteExpiresAtMs),
    refresh_shard: undefined,
    refresh_at: undefined,
    ...(due && dueAttributes(due)),
    updated_at: { S: isoSecond(draft.putAtMs) },
    // Of the former credentials: these were never refreshed.
    last_refreshed_at: undefined,
    lease_id: undefined,
    lease_expires_at_ms: undefined,
    failure: undefined,
  };
  const names = Object.keys(attributes);
  const tokens = Object.fromEntries(names.map((name, i) => [name, `#a${i}`]));
  const set = Object.entries(withoutUndefined(attributes));
  const removed = names.filter((name) => attributes[name] === undefined);
  return new UpdateItemCommand({
    TableName: tableName,
    Key: { connection_id: { S: draft.connectionId } },
    UpdateExpression: [
      `SET credentials_version = if_not_exists(credentials_version, :zero) + :one`,
      "created_at = if_not_exists(created_at, :now)",
      ...set.map(([name], i) => `${tokens[name]} = :a${i}`),
    ]
      .join(", ")
      .concat(` REMOVE ${removed.map((name) => tokens[name]).join(", ")}`),
    ConditionExpression: "attribute_not_exists(connection_id) OR workspace_id = :workspaceId",
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [tokens[name], name])),
    ExpressionAttributeValues: {
      ":zero": { N: "0" },
      ":one": { N: "1" },
      ":now": { S: isoSecond(draft.putAtMs) },
      ":workspaceId": { S: draft.workspaceId },
      ...Object.fromEntries(set.map(([, value], i) => [`:a${i}`, value])),
    },
    ReturnValues: "ALL_OLD",
  });
}
