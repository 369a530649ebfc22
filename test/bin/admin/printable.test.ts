import type { ConnectionId } from "../../../functions/domain/model/connection.ts";
import { runCommand } from "../../support/admin-cli.ts";
import { type LocalAws, startLocalAws } from "../../support/local-aws.ts";
import { putItem } from "../../support/local-dynamodb.ts";
import { connection } from "../../support/refresh-harness.ts";

let aws: LocalAws;
beforeAll(async () => {
  aws = await startLocalAws();
  await putItem(
    aws.client,
    connection({
      connectionId: "conn_1" as ConnectionId,
      failure: {
        code: "provider_error",
        count: 1,
        beganAtMs: Date.UTC(2026, 0, 1),
        lastAtMs: Date.UTC(2026, 0, 1),
        leaseId: "lease-a",
        retryAtMs: undefined,
        providerError: "odd",
        providerErrorDescription: hostile,
      },
    }),
  );
});
afterAll(() => aws.close());

/** Clears the screen, moves the cursor, ends the line, and reverses the order of what follows. */
const hostile =
  "é\u001b[2J\u0007\u007f\u009b1A\u0085\n\u2028\u061c\u200e\u200f\u202a\u202e\u2066\u2069 end";
const escaped =
  "é\\u001b[2J\\u0007\\u007f\\u009b1A\\u0085\\u000a\\u2028\\u061c\\u200e\\u200f\\u202a\\u202e\\u2066\\u2069 end";
const controls = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

const show = (...args: string[]) =>
  runCommand(["connections", "show", "conn_1", "--workspace", "wsp_1", ...args], aws.environment);

test("text of a provider reaches the terminal with its controls escaped", async () => {
  const { stdout } = await show();
  expect(stdout).toContain(escaped);
  expect(stdout).not.toMatch(controls);
});

test("as JSON it is escaped in the output, and unchanged to a parser", async () => {
  const { stdout } = await show("--json");
  expect(stdout).not.toMatch(controls);
  expect(JSON.stringify(JSON.parse(stdout))).toContain(JSON.stringify(hostile).slice(1, -1));
});

test("an error that quotes an argument is escaped", async () => {
  const { stderr } = await runCommand(["connections", "show", "conn_1", "\u202e\u001b[2J"], {});
  expect(stderr).not.toBe("");
  expect(stderr).not.toMatch(controls);
});
