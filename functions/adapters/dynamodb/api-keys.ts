import { randomBytes } from "node:crypto";
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { isWorkspaceId, type WorkspaceId } from "../../domain/model/connection.ts";
import { isoSecond } from "../../domain/model/instant.ts";
import { Secret } from "../../domain/model/secret.ts";
import type { ApiKeyRecord, ApiKeys } from "../../domain/ports/authentication.ts";
import { keyDigest } from "../authentication/key-digest.ts";
import { asStoreUnavailable } from "../aws/clients.ts";
import { type Item, stringAttribute, withoutUndefined } from "./connection-item.ts";

export interface DynamoDbApiKeysOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export const dynamoDbApiKeys = ({ client, tableName }: DynamoDbApiKeysOptions): ApiKeys => ({
  async find(keyHash) {
    const command = new GetItemCommand({
      TableName: tableName,
      Key: { key_hash: { S: keyHash } },
      ConsistentRead: true,
    });
    const { Item: item } = await asStoreUnavailable("DynamoDB", () => client.send(command));
    return item && apiKeyOf(item);
  },
});

export interface DescribedApiKey extends ApiKeyRecord {
  readonly label: string | undefined;
  readonly createdAtMs: number | undefined;
}

export interface ApiKeyDraft
  extends Pick<
    DescribedApiKey,
    "workspaceId" | "workspaceIds" | "scopes" | "label" | "expiresAtMs"
  > {
  readonly createdAtMs: number;
}

export interface CreatedApiKey extends DescribedApiKey {
  /** Told once: what is stored is its hash. */
  readonly key: Secret;
}

/** For the platform team. */
export interface ApiKeyAdmin {
  create(draft: ApiKeyDraft): Promise<CreatedApiKey>;
  /** @returns false: there is no such key */
  revoke(keyId: string): Promise<boolean>;
  list(): Promise<readonly DescribedApiKey[]>;
}

export function dynamoDbApiKeyAdmin({ client, tableName }: DynamoDbApiKeysOptions): ApiKeyAdmin {
  async function* items(): AsyncGenerator<Item> {
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const command = new ScanCommand({
        TableName: tableName,
        ConsistentRead: true,
        ...(ExclusiveStartKey && { ExclusiveStartKey }),
      });
      const page = await asStoreUnavailable("DynamoDB", () => client.send(command));
      yield* page.Items ?? [];
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
  }

  const list = async (): Promise<readonly DescribedApiKey[]> => {
    const keys: DescribedApiKey[] = [];
    for await (const item of items()) keys.push(describedApiKeyOf(item));
    return keys.sort((a, b) => (a.createdAtMs ?? 0) - (b.createdAtMs ?? 0));
  };

  return {
    list,

    async create(draft) {
      const key = new Secret(`otr_${randomBytes(32).toString("base64url")}`);
      const created: CreatedApiKey = {
        ...draft,
        key,
        keyHash: keyDigest.of(key),
        keyId: `key_${randomBytes(8).toString("hex")}`,
        status: "active",
      };
      const command = new PutItemCommand({ TableName: tableName, Item: itemOf(created) });
      await asStoreUnavailable("DynamoDB", () => client.send(command));
      return created;
    },

    async revoke(keyId) {
      const found = (await list()).find((key) => key.keyId === keyId);
      if (found === undefined) return false;
      const command = new UpdateItemCommand({
        TableName: tableName,
        Key: { key_hash: { S: found.keyHash } },
        UpdateExpression: "SET #status = :revoked",
        // An expired key may have been removed meanwhile: it must not come back.
        ConditionExpression: "attribute_exists(key_hash)",
        ExpressionAttributeNames: { "#status": "status" },
        ExpressionAttributeValues: { ":revoked": { S: "revoked" } },
      });
      try {
        await asStoreUnavailable("DynamoDB", () => client.send(command));
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },
  };
}

const itemOf = (key: CreatedApiKey): Record<string, AttributeValue> =>
  withoutUndefined({
    key_hash: { S: key.keyHash },
    key_id: { S: key.keyId },
    workspace_id: { S: key.workspaceId },
    workspace_ids: listAttribute(key.workspaceIds),
    scopes: key.scopes && listAttribute(key.scopes),
    label: stringAttribute(key.label),
    status: { S: key.status },
    // Epoch seconds, as DynamoDB's time to live takes them.
    expires_at:
      key.expiresAtMs === undefined ? undefined : { N: String(Math.floor(key.expiresAtMs / 1000)) },
    created_at: key.createdAtMs === undefined ? undefined : { S: isoSecond(key.createdAtMs) },
  });

const listAttribute = (values: readonly string[]): AttributeValue => ({
  L: values.map((value) => ({ S: value })),
});

const describedApiKeyOf = (item: Item): DescribedApiKey => ({
  ...apiKeyOf(item),
  label: item.label?.S,
  createdAtMs: item.created_at?.S === undefined ? undefined : Date.parse(item.created_at.S),
});

/** An item that is not a key's lets nobody in: it is reported, and the caller gets a 500. */
function apiKeyOf(item: Item): ApiKeyRecord {
  const keyId = item.key_id?.S ?? "without id";
  const malformed = (attribute: string, expected: string) =>
    new Error(`API key ${keyId}: ${attribute}: expected ${expected}`);
  const workspaceId = item.workspace_id?.S;
  if (!isWorkspaceId(workspaceId)) throw malformed("workspace_id", "an identifier");
  const workspaceIds = stringsOf(item.workspace_ids) ?? [];
  if (!workspaceIds.every(isWorkspaceId)) throw malformed("workspace_ids", "identifiers");
  const status = item.status?.S;
  if (status !== "active" && status !== "revoked") throw malformed("status", "active or revoked");
  const expiresAtSeconds = item.expires_at && Number(item.expires_at.N);
  if (Number.isNaN(expiresAtSeconds)) throw malformed("expires_at", "epoch seconds");
  if (item.scopes !== undefined && stringsOf(item.scopes) === undefined) {
    throw malformed("scopes", "a list of strings");
  }
  return {
    keyHash: item.key_hash?.S ?? "",
    keyId,
    workspaceId,
    workspaceIds: workspaceIds as WorkspaceId[],
    scopes: stringsOf(item.scopes),
    status,
    expiresAtMs: expiresAtSeconds === undefined ? undefined : expiresAtSeconds * 1000,
  };
}

/** A list or a set of strings. */
const stringsOf = (attribute: AttributeValue | undefined): string[] | undefined =>
  attribute?.SS ?? attribute?.L?.map(({ S }) => S ?? "");
