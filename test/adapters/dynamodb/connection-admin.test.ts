import {
  ConnectionChanged,
  type ConnectionDraft,
  dynamoDbConnectionAdmin,
  ForeignConnection,
} from "../../../functions/adapters/dynamodb/connection-admin.ts";
import type {
  ConnectionId,
  SealedTokenSet,
  WorkspaceId,
} from "../../../functions/domain/model/connection.ts";
import {
  getItem,
  type LocalTables,
  putItem,
  startTables,
  tableNames,
} from "../../support/local-dynamodb.ts";
import { connection } from "../../support/refresh-harness.ts";

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

test("new credentials move the version on, and nothing is left of the old ones", async () => {
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

test("a connection remembers when it was created", async () => {
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
