import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { runCommand } from "../../support/admin-cli.ts";

describe("the entry point, in a process of its own", () => {
  function admin(args: readonly string[], environment: Record<string, string> = {}) {
    const { PATH } = process.env;
    return spawn(process.execPath, ["bin/admin.ts", ...args], { env: { PATH, ...environment } });
  }

  test("passes on arguments, environment and stdin, and ends with the exit code 0", async () => {
    const child = admin(["rescue", "--json"], {
      ...{ AWS_REGION: "us-east-1", CONNECTIONS_TABLE: "t" },
      ...{ KMS_KEY_ID: "k", BRANCH_KEYS_TABLE: "b", STAGE: "s" },
    });
    child.stdin.end("a line that holds no record\n");
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    expect(await once(child, "close")).toEqual([0, null]);
    expect(await output).toEqual(["[]\n", ""]);
  });

  test("ends with the exit code of a command that failed", async () => {
    const child = admin(["keys", "list"]);
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    expect(await once(child, "close")).toEqual([1, null]);
    expect(await output).toEqual(["", expect.stringContaining("API_KEYS_TABLE")]);
  });

  test("lets a reader close the pipe early, as head does", async () => {
    const child = admin(["--help"]);
    child.stdout.destroy();
    const stderr = text(child.stderr);
    expect(await once(child, "close")).toEqual([0, null]);
    expect(await stderr).toBe("");
  });
});

test.each([
  [["connections", "show", "bad!id", "--workspace", "wsp_1"], "connection_id"],
  [["connections", "show", "conn_1"], "--workspace"],
  [["connections", "list", "--reauthorize-within", "1w"], "--reauthorize-within"],
  [["connections", "list", "--status", "dead"], "--status"],
  [["connections", "show", "conn_1", "--workspace", "wsp_1"], "CONNECTIONS_TABLE"],
  [["integrations", "list"], "SECRET_PREFIX"],
  [["keys", "list"], "API_KEYS_TABLE"],
  [["providers", "show", "gogle"], "similar names: google"],
  [["integrations", "put", "x", "--client-id", "c", "--set", "a=b"], "--set"],
  [["unknown"], "unknown"],
])("%j fails with one line that names %s", async (args, name) => {
  const { exitCode, stderr } = await runCommand(args, {});
  expect(exitCode).not.toBe(0);
  expect(stderr).toMatch(/^[^\n]+\n$/);
  expect(stderr).toContain(name);
});

test.each([
  [[]],
  [["integrations", "put"]],
  [["integrations", "release"]],
  [["connections", "put"]],
  [["connections", "list"]],
  [["connections", "refresh"]],
  [["keys", "create"]],
  [["providers", "show"]],
  [["rescue"]],
])("%j --help shows the usage and an example", async (args) => {
  const { stdout } = await runCommand([...args, "--help"], {});
  expect(stdout).toMatch(/^Usage: admin /);
  expect(stdout).toMatch(/Examples?:\n/);
});
