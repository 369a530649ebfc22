import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import {
  ConnectionChanged,
  type ConnectionDraft,
  dynamoDbConnectionAdmin,
  ForeignConnection,
} from "../../../functions/adapters/dynamodb/connection-admin.ts";
import { dynamoDbConnectionStore } from "../../../functions/adapters/dynamodb/connection-store.ts";
import type {
  Connection,
  ConnectionId,
  SealedTokenSet,
  WorkspaceId,
} from "../../../functions/domain/model/connection.ts";
import type { TokenSetCommit } from "../../../functions/domain/ports/connection-store.ts";
import { rescueTokens } from "../../../functions/domain/rescue.ts";
import {
  getItem,
  type LocalTables,
  putItem,
  startTables,
  tableNames,
} from "../../support/local-dynamodb.ts";
import { connection, plainCipher } from "../../support/refresh-harness.ts";

const nowMs = Date.UTC(2026, 0, 1, 12, 0, 0, 789);
let tables: LocalTables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.close());

const admin = () =>
  dynamoDbConnectionAdmin({ client: tables.client, tableName: tableNames.connections });

let serial = 0;
const draft = (changes: Partial<ConnectionDraft> = {}): ConnectionDraft => ({
  connectionId: `conn_${++serial}` as ConnectionId,
  workspaceId: "wsp_1" as WorkspaceId,
  integration: "acme",
  registrationName: undefined,
  label: "Mail",
  userId: "user_1",
  config: { subdomain: "eu" },
  expectedVersion: undefined,
  version: nowMs,
  credentials: "jwe.of.new" as SealedTokenSet,
  expiresAtMs: nowMs + 3_600_000,
  assumedExpiresAtMs: undefined,
  refreshTokenExpiresAtMs: undefined,
  refreshTokenAbsoluteExpiresAtMs: undefined,
  due: { refreshShard: 7, refreshAtMs: nowMs + 3_000_000 },
  putAtMs: nowMs,
  ...changes,
});

test("a new connection is the documented item", async () => {
  const { connectionId } = draft();
  expect(await admin().put(draft({ connectionId }))).toBe("created");
  expect(await getItem(tables.client, { connectionId })).toEqual({
    connection_id: { S: connectionId },
    workspace_id: { S: "wsp_1" },
    integration: { S: "acme" },
    label: { S: "Mail" },
    user_id: { S: "user_1" },
    config: { M: { subdomain: { S: "eu" } } },
    status: { S: "active" },
    credentials: { S: "jwe.of.new" },
    credentials_version: { N: String(nowMs) },
    expires_at: { S: "2026-01-01T13:00:00Z" },
    refresh_shard: { N: "7" },
    refresh_at: { N: String(Math.floor((nowMs + 3_000_000) / 1000)) },
    created_at: { S: "2026-01-01T12:00:00Z" },
    updated_at: { S: "2026-01-01T12:00:00Z" },
  });
});

test("new credentials increase the version, and nothing of the former ones remains", async () => {
  const { connectionId } = draft();
  await putItem(
    tables.client,
    connection({
      connectionId,
      status: "expired",
      credentialsVersion: 5,
      refreshTokenExpiresAtMs: nowMs,
      lastRefreshedAtMs: nowMs,
      lease: { leaseId: "lease", leaseExpiresAtMs: nowMs + 20_000 },
      failure: {
        code: "reauthorization_required",
        count: 1,
        beganAtMs: nowMs,
        lastAtMs: nowMs,
        leaseId: "lease",
        retryAtMs: undefined,
        providerError: "invalid_grant",
        providerErrorDescription: undefined,
      },
    }),
    { refreshShard: 3, refreshAtMs: nowMs },
  );
  const versions = { expectedVersion: 5, version: nowMs };
  const renewed = draft({ connectionId, ...versions, expiresAtMs: undefined, due: undefined });
  expect(await admin().put(renewed)).toBe("replaced");
  expect(await admin().describe(renewed)).toMatchObject({
    status: "active",
    credentials: "jwe.of.new",
    credentialsVersion: nowMs,
    expiresAtMs: undefined,
    refreshTokenExpiresAtMs: undefined,
    lastRefreshedAtMs: undefined,
    lease: undefined,
    failure: undefined,
    refreshAtMs: undefined,
  });
});

test("a replaced connection keeps the time of its creation", async () => {
  const first = draft();
  await admin().put(first);
  const versions = { expectedVersion: nowMs, version: nowMs + 60_000 };
  await admin().put({ ...first, ...versions, putAtMs: nowMs + 60_000 });
  expect(await admin().describe(first)).toMatchObject({
    createdAtMs: Date.UTC(2026, 0, 1, 12, 0, 0),
    updatedAtMs: Date.UTC(2026, 0, 1, 12, 1, 0),
  });
});

test("a connection that was refreshed after it was read is not replaced", async () => {
  const stored = draft();
  await admin().put(stored);
  for (const expectedVersion of [undefined, nowMs - 1]) {
    const late = draft({
      connectionId: stored.connectionId,
      ...{ expectedVersion, version: nowMs + 1, credentials: "jwe.of.late" as SealedTokenSet },
    });
    await expect(admin().put(late)).rejects.toThrow(ConnectionChanged);
  }
  expect(await admin().describe(stored)).toMatchObject({ credentials: "jwe.of.new" });
});

test("a repetition after a lost response is done", async () => {
  const stored = draft();
  expect([await admin().put(stored), await admin().put(stored)]).toEqual(["created", "created"]);
});

test("another workspace's connection is neither changed nor shown", async () => {
  const theirs = draft();
  await admin().put(theirs);
  const before = await getItem(tables.client, theirs);
  const ours = { ...theirs, workspaceId: "wsp_2" as WorkspaceId };
  await expect(admin().put(ours)).rejects.toThrow(ForeignConnection);
  expect(await getItem(tables.client, theirs)).toEqual(before);
  expect(await admin().describe(ours)).toBeUndefined();
});

test("an absent connection is not described", async () => {
  expect(await admin().describe(draft())).toBeUndefined();
});

describe("a deleted connection", () => {
  const store = () =>
    dynamoDbConnectionStore({ client: tables.client, tableName: tableNames.connections });
  const committer = { leaseId: "lease-a", nowMs };

  async function deleted(changes: Partial<Connection> = {}) {
    const { connectionId } = draft();
    const stored = connection({ connectionId, credentialsVersion: 7, ...changes });
    await putItem(tables.client, stored, { refreshShard: 7, refreshAtMs: nowMs - 789 });
    expect(await admin().delete(stored, nowMs)).toBe("deleted");
    return stored;
  }

  test("leaves its id, workspace, version and time: no tokens, and no place in the schedule", async () => {
    const { connectionId } = await deleted();
    expect(await getItem(tables.client, { connectionId })).toEqual({
      connection_id: { S: connectionId },
      workspace_id: { S: "wsp_1" },
      credentials_version: { N: String(nowMs) },
      deleted_at: { S: "2026-01-01T12:00:00Z" },
      remove_after: { N: String(Math.floor(nowMs / 1000) + 400 * 86_400) },
    });
  });

  test("is absent to everybody", async () => {
    const key = await deleted();
    expect(await store().read(key)).toBeUndefined();
    expect(await admin().describe(key)).toBeUndefined();
    const lease = { leaseId: "lease-a", leaseExpiresAtMs: nowMs + 20_000 };
    const request = { ...key, ...lease, nowMs, refreshedBeforeMs: undefined };
    expect(await store().acquireLease(request)).toEqual({ kind: "absent" });
    expect(await admin().setStatus(key, { ...statusChange, status: "active" })).toBe("absent");
    expect(await admin().delete(key, nowMs)).toBe("absent");
  });

  test("is not brought back by a refresh in flight, nor by a token set from the rescue queue", async () => {
    const key = await deleted();
    const late: TokenSetCommit = {
      ...{ connectionId: key.connectionId, workspaceId: key.workspaceId },
      ...{ expectedVersion: 7, version: nowMs + 1, credentials: "jwe.of.late" as SealedTokenSet },
      ...{ expiresAtMs: nowMs, committedAtMs: nowMs, status: "active", due: undefined },
      ...{ refreshTokenExpiresAtMs: undefined, refreshTokenAbsoluteExpiresAtMs: undefined },
    };
    expect(await store().commit(late, committer)).toEqual({ kind: "absent" });
    const rescue = rescueTokens({
      cipher: plainCipher,
      ...{ store: store(), telemetry: { emit: () => {} }, clock: { nowMs: () => nowMs } },
      newLeaseId: () => "lease-of-rescue",
    });
    expect(await rescue(late)).toBe("absent");
    // Nor once the user has authorized anew: that token set has a later version.
    const again = draft({
      ...key,
      version: nowMs + 5,
      credentials: "jwe.of.again" as SealedTokenSet,
    });
    expect(await admin().storedVersion(key)).toEqual({ version: nowMs, isDeleted: true });
    expect(await admin().put({ ...again, expectedVersion: undefined })).toBe("created");
    expect(await store().commit(late, committer)).toMatchObject({ kind: "superseded" });
    expect(await store().read(key)).toMatchObject({ credentials: "jwe.of.again" });
  });

  test("is not deleted while somebody refreshes it", async () => {
    const { connectionId } = draft();
    const lease = { leaseId: "lease-b", leaseExpiresAtMs: nowMs + 1 };
    await putItem(tables.client, connection({ connectionId, lease }));
    const key = { connectionId, workspaceId: "wsp_1" as WorkspaceId };
    expect(await admin().delete(key, nowMs)).toBe("refreshing");
    expect(await admin().delete(key, nowMs + 1)).toBe("deleted");
  });

  test("of another workspace is absent, and stays as it is", async () => {
    const { connectionId } = draft();
    await putItem(tables.client, connection({ connectionId }));
    const key = { connectionId, workspaceId: "wsp_2" as WorkspaceId };
    expect(await admin().delete(key, nowMs)).toBe("absent");
    expect((await getItem(tables.client, { connectionId }))?.credentials).toBeDefined();
  });
});

const statusChange = {
  clearsFailure: true,
  due: { refreshShard: 7, refreshAtMs: nowMs },
  changedAtMs: nowMs,
};

test("switching a connection on schedules it, and forgets its failure where asked to", async () => {
  const { connectionId } = draft();
  await putItem(tables.client, connection({ connectionId, status: "expired" }));
  const key = { connectionId, workspaceId: "wsp_1" as WorkspaceId };
  expect(await admin().setStatus(key, { ...statusChange, status: "active" })).toBe("done");
  expect(await getItem(tables.client, { connectionId })).toMatchObject({
    status: { S: "active" },
    refresh_at: { N: String(Math.floor(nowMs / 1000)) },
    refresh_shard: { N: "7" },
  });
});

test("last_refreshed_at without milliseconds, as a migration may write it, declines no lease", async () => {
  const { connectionId } = draft();
  await putItem(tables.client, connection({ connectionId, lastRefreshedAtMs: nowMs - 789 }));
  await tables.client.send(
    new UpdateItemCommand({
      TableName: tableNames.connections,
      Key: { connection_id: { S: connectionId } },
      UpdateExpression: "SET last_refreshed_at = :at",
      ExpressionAttributeValues: { ":at": { S: "2026-01-01T12:00:00Z" } },
    }),
  );
  const store = dynamoDbConnectionStore({
    client: tables.client,
    tableName: tableNames.connections,
  });
  const acquisition = await store.acquireLease({
    ...{ connectionId, workspaceId: "wsp_1" as WorkspaceId, nowMs: nowMs + 60_000 },
    ...{ leaseId: "lease-a", leaseExpiresAtMs: nowMs + 80_000, refreshedBeforeMs: nowMs - 789 },
  });
  expect(acquisition.kind).toBe("acquired");
});
