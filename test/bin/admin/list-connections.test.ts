import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import type {
  Connection,
  ConnectionId,
  WorkspaceId,
} from "../../../functions/domain/model/connection.ts";
import { dueAt } from "../../../functions/domain/schedule/due.ts";
import { runCommand } from "../../support/admin-cli.ts";
import { type LocalAws, startLocalAws } from "../../support/local-aws.ts";
import { putItem, tableNames } from "../../support/local-dynamodb.ts";
import { connection } from "../../support/refresh-harness.ts";

const dayMs = 86_400_000;
const inDays = (days: number) => Math.floor(Date.now() / 1000) * 1000 + days * dayMs;

let aws: LocalAws;
beforeEach(async () => {
  aws = await startLocalAws();
});
afterEach(() => aws.close());

async function list(...args: string[]) {
  const { stdout, stderr } = await runCommand(["connections", "list", ...args], aws.environment);
  return { stdout, stderr };
}

const listed = async (...args: string[]) => JSON.parse((await list(...args, "--json")).stdout);

/** A connection on the schedule. */
const store = (id: string, changes: Partial<Connection> = {}) => {
  const connectionId = id as ConnectionId;
  const stored = connection({ connectionId, ...changes });
  return putItem(aws.client, stored, dueAt(connectionId, inDays(1)));
};

test("lists the connections that the options select, as JSON or as a table, without credentials", async () => {
  await store("conn_a", { integration: "crm", expiresAtMs: Date.UTC(2026, 0, 1) });
  await store("conn_b", { integration: "crm", status: "error" });
  await store("conn_c", { workspaceId: "wsp_2" as WorkspaceId });
  expect(await listed("--integration", "crm", "--status", "active")).toEqual([
    {
      connection_id: "conn_a",
      workspace_id: "wsp_1",
      integration: "crm",
      status: "active",
      expires_at: "2026-01-01T00:00:00Z",
      refresh_at: expect.stringMatching(/^\d{4}-.*Z$/),
    },
  ]);
  const { stdout, stderr } = await list("--workspace", "wsp_2");
  const [header, ...lines] = stdout.trimEnd().split("\n");
  expect(header).toMatch(/^connection_id +workspace_id +integration +status +label +expires_at/);
  expect(lines).toEqual([expect.stringMatching(/^conn_c +wsp_2 +acme +active +- /)]);
  expect(stdout).not.toContain("at-of-rt-0");
  expect(stderr).toBe("");
});

test("reports that there are no connections, or more than listed", async () => {
  expect(await list()).toEqual({ stdout: "no connections found\n", stderr: "" });
  for (const id of ["conn_a", "conn_b", "conn_c"]) await store(id);
  const { stdout, stderr } = await list("--limit", "2", "--json");
  expect(JSON.parse(stdout)).toHaveLength(2);
  expect(stderr).toBe("note: there are more than 2 connections. Raise --limit to see them\n");
  expect((await list("--limit", "3")).stderr).toBe("");
});

test("reauthorize-within: lists the ending ones alone, soonest first, with the reason", async () => {
  await store("conn_later", { refreshTokenAbsoluteExpiresAtMs: inDays(20) });
  await store("conn_past", { refreshTokenAbsoluteExpiresAtMs: inDays(-1) });
  await store("conn_off", { status: "inactive", refreshTokenExpiresAtMs: inDays(10) });
  await store("conn_idle", { refreshTokenExpiresAtMs: inDays(10) });
  await store("conn_far", { refreshTokenAbsoluteExpiresAtMs: inDays(31) });
  await store("conn_dead", { status: "expired", refreshTokenAbsoluteExpiresAtMs: inDays(5) });
  const due = await listed("--reauthorize-within", "30d");
  expect(due).toEqual([
    expect.objectContaining({ connection_id: "conn_past", reason: "absolute" }),
    expect.objectContaining({ connection_id: "conn_off", reason: "idle", status: "inactive" }),
    {
      ends_at: expect.stringMatching(/^\d{4}-.*Z$/),
      reason: "absolute",
      connection_id: "conn_later",
      workspace_id: "wsp_1",
      integration: "acme",
      status: "active",
    },
  ]);
  expect(await listed("--reauthorize-within", "36h")).toHaveLength(1);
});

test("reauthorize-within: a limit keeps the soonest ones, whatever the order of storage", async () => {
  const days = [9, 3, 7, 1, 8, 2, 6, 4, 5];
  for (const day of days) {
    await store(`conn_${day}`, { refreshTokenAbsoluteExpiresAtMs: inDays(day) });
  }
  const { stdout, stderr } = await list("--reauthorize-within", "30d", "--limit", "2", "--json");
  const due: { connection_id: string }[] = JSON.parse(stdout);
  expect(due.map((one) => one.connection_id)).toEqual(["conn_1", "conn_2"]);
  expect(stderr).toBe("note: there are more than 2 connections. Raise --limit to see them\n");
});

test("connections that cannot be read are counted, and all others are listed", async () => {
  await store("conn_a");
  for (const id of ["bad_1", "bad_2"]) {
    const Item = { connection_id: { S: id } };
    await aws.client.send(new PutItemCommand({ TableName: tableNames.connections, Item }));
  }
  const { stdout, stderr } = await list("--json");
  expect(JSON.parse(stdout)).toHaveLength(1);
  expect(stderr).toMatch(
    /^note: 2 connections cannot be read. The first: connection bad_[12]: workspace_id: required; integration: required; status: required\n$/,
  );
});
