import { PutItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { keyDigest } from "../../../functions/adapters/authentication/key-digest.ts";
import {
  type ApiKeyDraft,
  dynamoDbApiKeyAdmin,
  dynamoDbApiKeys,
} from "../../../functions/adapters/dynamodb/api-keys.ts";
import type { WorkspaceId } from "../../../functions/domain/model/connection.ts";
import { type LocalTables, startTables, tableNames } from "../../support/local-dynamodb.ts";

const nowMs = Date.UTC(2026, 0, 1, 12);
let tables: LocalTables;
beforeEach(async () => {
  tables = await startTables();
});
afterEach(() => tables.close());

const table = () => ({ client: tables.client, tableName: tableNames.apiKeys });
const draft = (changes: Partial<ApiKeyDraft> = {}): ApiKeyDraft => ({
  workspaceId: "wsp_1" as WorkspaceId,
  workspaceIds: ["wsp_2" as WorkspaceId],
  scopes: ["connections:refresh"],
  label: "ci",
  expiresAtMs: nowMs + 86_400_000,
  createdAtMs: nowMs,
  ...changes,
});

test("a key is found by its hash, and the table does not hold the key", async () => {
  const { key, ...created } = await dynamoDbApiKeyAdmin(table()).create(draft());
  expect(key.reveal()).toMatch(/^otr_[\w-]{43}$/);
  const { label: _, createdAtMs: __, ...record } = created;
  expect(await dynamoDbApiKeys(table()).find(keyDigest.of(key))).toEqual(record);
  const { Items } = await tables.client.send(new ScanCommand({ TableName: tableNames.apiKeys }));
  expect(Items).toHaveLength(1);
  expect(JSON.stringify(Items)).not.toContain(key.reveal().slice(4));
  // DynamoDB's time to live takes epoch seconds.
  expect(Items?.[0]?.expires_at).toEqual({ N: String(nowMs / 1000 + 86_400) });
});

test("a key without scopes, label or expiry is read without them", async () => {
  const plain = draft({ scopes: undefined, label: undefined, expiresAtMs: undefined });
  const { key } = await dynamoDbApiKeyAdmin(table()).create(plain);
  const found = await dynamoDbApiKeys(table()).find(keyDigest.of(key));
  expect(found).toMatchObject({ scopes: undefined, expiresAtMs: undefined });
});

test("an unknown hash finds no key", async () => {
  expect(await dynamoDbApiKeys(table()).find("00")).toBeUndefined();
});

test("a revoked key stays in the table, with its status", async () => {
  const admin = dynamoDbApiKeyAdmin(table());
  const { key, keyId } = await admin.create(draft());
  const other = await admin.create(draft({ createdAtMs: nowMs + 1_000 }));
  expect(await admin.revoke(keyId)).toBe(true);
  expect(await dynamoDbApiKeys(table()).find(keyDigest.of(key))).toMatchObject({
    status: "revoked",
  });
  expect((await admin.list()).map((one) => [one.keyId, one.status])).toEqual([
    [keyId, "revoked"],
    [other.keyId, "active"],
  ]);
});

test("revoking an unknown key reports that there is none", async () => {
  expect(await dynamoDbApiKeyAdmin(table()).revoke("key_unknown")).toBe(false);
});

test.each<[string, Record<string, { S: string }>]>([
  ["workspace_id", { workspace_id: { S: "" } }],
  ["status", { status: { S: "canary" } }],
  ["expires_at", { expires_at: { S: "canary" } }],
  ["scopes", { scopes: { S: "canary" } }],
])("an item with a malformed %s admits nobody", async (attribute, changes) => {
  const Item = {
    ...{ key_hash: { S: "hash" }, key_id: { S: "key_1" } },
    ...{ workspace_id: { S: "wsp_1" }, status: { S: "active" } },
    ...changes,
  };
  await tables.client.send(new PutItemCommand({ TableName: tableNames.apiKeys, Item }));
  const find = dynamoDbApiKeys(table()).find("hash");
  await expect(find).rejects.toThrow(`API key key_1: ${attribute}: expected`);
  await expect(find).rejects.not.toThrow("canary");
});
