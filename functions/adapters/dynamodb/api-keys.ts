import { randomBytes } from "node:crypto";
import {
  type AttributeValue,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { Secret } from "../../domain/model/secret.ts";
import type { ApiKeyRecord, ApiKeys } from "../../domain/ports/authentication.ts";
import { type Checked, faultsText, validated } from "../../validation/check.ts";
import { workspaceIdCheck } from "../../validation/identifiers.ts";
import { list, optional, withDefault } from "../../validation/structures.ts";
import { instant, oneOf, string, wholeNumber } from "../../validation/values.ts";
import { keyDigest } from "../authentication/key-digest.ts";
import { asStoreUnavailable } from "../aws/clients.ts";
import {
  attributes,
  epochSecondAttribute,
  type Item,
  secondAttribute,
  stringAttribute,
  withoutUndefined,
} from "./attributes.ts";
import { type DynamoDbTable, getItem, pages, unlessConditionFails } from "./table-requests.ts";
import { clause, updateExpressions } from "./update-expression.ts";

export const dynamoDbApiKeys = (table: DynamoDbTable): ApiKeys => ({
  async find(keyHash) {
    const item = await getItem(table, { key_hash: { S: keyHash } });
    return item && recordOf(readKey(item));
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
  /** Returned once: only its hash is stored. */
  readonly key: Secret;
}

/** For the platform team. */
export interface ApiKeyAdmin {
  create(draft: ApiKeyDraft): Promise<CreatedApiKey>;
  /** @returns false: there is no such key */
  revoke(keyId: string): Promise<boolean>;
  list(): Promise<readonly DescribedApiKey[]>;
}

export function dynamoDbApiKeyAdmin({ client, tableName }: DynamoDbTable): ApiKeyAdmin {
  const list = async (): Promise<readonly DescribedApiKey[]> => {
    const scan = { TableName: tableName, ConsistentRead: true };
    const keys: DescribedApiKey[] = [];
    for await (const { Items = [] } of pages((ExclusiveStartKey) =>
      client.send(new ScanCommand({ ...scan, ExclusiveStartKey })),
    )) {
      keys.push(...Items.map(describedKeyOf));
    }
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
        ...updateExpressions({
          set: { status: { S: "revoked" } },
          // DynamoDB may have removed an expired key meanwhile, and it must not come back.
          condition: [clause("attribute_exists(key_hash)")],
        }),
      });
      return (await unlessConditionFails(() => client.send(command))) !== undefined;
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
    expires_at: epochSecondAttribute(key.expiresAtMs),
    created_at: secondAttribute(key.createdAtMs),
  });

const listAttribute = (values: readonly string[]): AttributeValue => ({
  L: values.map((value) => ({ S: value })),
});

/** `expires_at` is in epoch seconds, for DynamoDB's time to live. */
const keyCheck = attributes({
  key_hash: string,
  key_id: string,
  workspace_id: workspaceIdCheck,
  workspace_ids: withDefault(list(workspaceIdCheck), []),
  scopes: optional(list(string)),
  label: optional(string),
  status: oneOf(["active", "revoked"]),
  expires_at: optional(wholeNumber),
  created_at: optional(instant),
});

/** @throws {Error} the item is not a key: it admits nobody, and the caller gets a 500 */
function readKey(item: Item): Checked<typeof keyCheck> {
  const { key_id: { S: id = "without id" } = {} } = item;
  return validated(keyCheck, item, (faults) => new Error(`API key ${id}: ${faultsText(faults)}`));
}

const recordOf = (key: Checked<typeof keyCheck>): ApiKeyRecord => ({
  keyHash: key.key_hash,
  keyId: key.key_id,
  workspaceId: key.workspace_id,
  workspaceIds: key.workspace_ids,
  scopes: key.scopes,
  status: key.status,
  expiresAtMs: key.expires_at === undefined ? undefined : key.expires_at * 1000,
});

function describedKeyOf(item: Item): DescribedApiKey {
  const key = readKey(item);
  return { ...recordOf(key), label: key.label, createdAtMs: key.created_at };
}
