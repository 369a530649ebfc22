import { dynamoDbIntegrationHolds } from "../../../functions/adapters/dynamodb/integration-holds.ts";
import type {
  ConnectionId,
  RegistrationName,
  WorkspaceId,
} from "../../../functions/domain/model/connection.ts";
import type { IntegrationHold } from "../../../functions/domain/model/integration-hold.ts";
import { runCommand } from "../../support/admin-cli.ts";
import { type LocalAws, startLocalAws } from "../../support/local-aws.ts";
import { tableNames } from "../../support/local-dynamodb.ts";
import { hold, startMs } from "../../support/refresh-harness.ts";

let aws: LocalAws;
beforeAll(async () => {
  aws = await startLocalAws();
});
afterAll(() => aws.close());

const run = (args: readonly string[], stdin?: string) =>
  runCommand(["integrations", ...args], aws.environment, stdin);

/** The holds, as a process of the service sees them. */
const holds = () =>
  dynamoDbIntegrationHolds({
    client: aws.client,
    tableName: tableNames.coordination,
    clock: { nowMs: () => startMs },
  });
const place = async (integration: string, placed: IntegrationHold) =>
  holds().replace(`integrations/${integration}` as RegistrationName, undefined, placed);
const standing = async (integration: string) =>
  (await holds().current(`integrations/${integration}` as RegistrationName)).holds;

const put = (name: string) =>
  run(["put", name, "--token-endpoint", `https://${name}.example/token`, "--client-id", "c"], "s");

const workspaceId = "wsp_1" as WorkspaceId;
const ofOrigin = hold({
  scope: { origin: "https://eu.acme.example", workspaceId: undefined },
  failing: [1, 2].map((n) => ({ connectionId: `conn_${n}` as ConnectionId, workspaceId })),
});
const ofWorkspace = hold({
  scope: { origin: undefined, workspaceId },
  reason: "client_rejected",
});
const printed = {
  name: "integrations/shown",
  cause: "provider_failing",
  origin: "https://eu.acme.example",
  workspace: "all",
  since: "2026-01-01T12:00:00Z",
  until: "2026-01-01T12:00:30Z",
  connections: ["conn_1", "conn_2"],
};

test("show and list print each hold: scope, cause, times and connections", async () => {
  await put("shown");
  await put("free");
  await place("shown", ofOrigin);
  const shown = JSON.parse((await run(["show", "shown", "--json"])).stdout);
  expect(shown).toMatchObject({ name: "integrations/shown", holds: [printed] });
  const listed = JSON.parse((await run(["list", "--json"])).stdout);
  expect(listed).toEqual([
    expect.objectContaining({ name: "integrations/free", holds: [] }),
    expect.objectContaining({ name: "integrations/shown", holds: [printed] }),
  ]);
  for (const args of [["show", "shown"], ["list"]]) {
    const { stdout } = await run(args);
    expect(stdout).toMatch(/\nholds\nname +cause +origin +workspace +since +until +connections\n/);
    expect(stdout).toMatch(
      /provider_failing +https:\/\/eu\.acme\.example +all .* conn_1 conn_2\n$/,
    );
  }
  expect((await run(["show", "free"])).stdout).toMatch(/holds +-\n$/);
});

test("release ends the one hold of an integration", async () => {
  await place("one", ofOrigin);
  const { exitCode, stdout } = await run(["release", "one"]);
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining("https://eu.acme.example")]);
  expect(await standing("one")).toEqual([]);
});

test("release of one of several holds asks which, and ends that one", async () => {
  await place("several", ofOrigin);
  await place("several", ofWorkspace);
  const { exitCode, stderr } = await run(["release", "several"]);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining("--origin")]);
  expect(await standing("several")).toHaveLength(2);
  await run(["release", "several", "--workspace", "wsp_1"]);
  expect(await standing("several")).toEqual([ofOrigin]);
});

test("release --all ends all holds of an integration, and no other's", async () => {
  await place("all", ofOrigin);
  await place("all", ofWorkspace);
  await place("neighbour", ofOrigin);
  expect((await run(["release", "all", "--all"])).exitCode).toBe(0);
  expect(await standing("all")).toEqual([]);
  expect(await standing("neighbour")).toEqual([ofOrigin]);
});

test("release of what is not held says so, and names the next step", async () => {
  const none = await run(["release", "unheld"]);
  expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining("has no hold")]);
  await place("elsewhere", ofOrigin);
  const { stderr } = await run(["release", "elsewhere", "--origin", "https://us.acme.example"]);
  expect(stderr).toContain("integrations show");
  expect(await standing("elsewhere")).toHaveLength(1);
});
