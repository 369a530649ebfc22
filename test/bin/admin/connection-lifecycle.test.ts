import type {
  Connection,
  ConnectionId,
  WorkspaceId,
} from "../../../functions/domain/model/connection.ts";
import { runCommand } from "../../support/admin-cli.ts";
import { type LocalAws, startLocalAws } from "../../support/local-aws.ts";
import { getItem, putItem } from "../../support/local-dynamodb.ts";
import { connection } from "../../support/refresh-harness.ts";

let aws: LocalAws;
beforeAll(async () => {
  aws = await startLocalAws();
});
afterAll(() => aws.close());

const run = (...args: string[]) => runCommand(["connections", ...args], aws.environment);

const store = (id: string, changes: Partial<Connection> = {}) =>
  putItem(aws.client, connection({ connectionId: id as ConnectionId, ...changes }));
const itemOf = (id: string) => getItem(aws.client, { connectionId: id as ConnectionId });

test("enable switches a connection on and schedules it, disable switches it off", async () => {
  await store("conn_switched", { status: "inactive" });
  await run("enable", "conn_switched", "--workspace", "wsp_1");
  expect(await itemOf("conn_switched")).toMatchObject({
    status: { S: "active" },
    refresh_at: { N: expect.any(String) },
  });
  await run("disable", "conn_switched", "--workspace", "wsp_1");
  expect(await itemOf("conn_switched")).toMatchObject({ status: { S: "inactive" } });
});

test("retry makes an expired connection due, and all of an integration at once", async () => {
  await store("conn_dead", { status: "expired" });
  await run("retry", "conn_dead", "--workspace", "wsp_1");
  expect(await itemOf("conn_dead")).toMatchObject({ status: { S: "active" } });

  await store("conn_crm_1", { status: "expired", integration: "crm" });
  await store("conn_crm_2", {
    ...{ status: "expired", integration: "crm" },
    workspaceId: "wsp_2" as WorkspaceId,
  });
  await store("conn_other", { status: "expired", integration: "mail" });
  const { stdout } = await run("retry", "--integration", "crm", "--json");
  expect(JSON.parse(stdout)).toHaveLength(2);
  expect(await itemOf("conn_crm_2")).toMatchObject({ status: { S: "active" } });
  expect(await itemOf("conn_other")).toMatchObject({ status: { S: "expired" } });
});

test("delete asks for --yes, and leaves no tokens", async () => {
  await store("conn_gone");
  const { exitCode, stderr } = await run("delete", "conn_gone", "--workspace", "wsp_1");
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining("--yes")]);
  await run("delete", "conn_gone", "--workspace", "wsp_1", "--yes");
  const item = await itemOf("conn_gone");
  expect(Object.keys(item ?? {}).sort()).toEqual([
    ...["connection_id", "credentials_version", "deleted_at", "remove_after", "workspace_id"],
  ]);
  const { stdout } = await run("list", "--json");
  expect(stdout).not.toContain("conn_gone");
});

test.each(["enable", "disable", "retry", "delete"])(
  "%s of a connection that is not there, or of another workspace, says so",
  async (command) => {
    await store("conn_mine");
    const args = ["conn_mine", "--workspace", "wsp_2", ...(command === "delete" ? ["--yes"] : [])];
    const { exitCode, stderr } = await run(command, ...args);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("workspace wsp_2 has no connection conn_mine");
  },
);
