import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

function admin(...args: string[]) {
  const { PATH } = process.env;
  return spawn(process.execPath, ["bin/admin.ts", ...args], { env: { PATH } });
}

test("a reader may close the pipe early", async () => {
  const child = admin("--help");
  child.stdout.destroy();
  const output = text(child.stderr);
  expect(await once(child, "close")).toEqual([0, null]);
  expect(await output).toBe("");
});

test.each([
  [["connections", "show", "bad!id", "--workspace", "wsp_1"], "connection_id"],
  [["connections", "show", "conn_1"], "--workspace"],
  [["connections", "list", "--reauthorize-within", "1w"], "--reauthorize-within"],
  [["connections", "list", "--status", "dead"], "--status"],
  [["connections", "show", "conn_1", "--workspace", "wsp_1"], "CONNECTIONS_TABLE"],
  [["integrations", "list"], "SECRET_PREFIX"],
  [["keys", "list"], "API_KEYS_TABLE"],
  [["providers", "show", "gogle"], "near to it are google"],
  [["integrations", "put", "x", "--client-id", "c", "--set", "a=b"], "--set"],
  [["unknown"], "unknown"],
])("%j fails with one line that names %s", async (args, name) => {
  const child = admin(...args);
  child.stdin.end();
  const output = text(child.stderr);
  const [code] = await once(child, "close");
  expect(code).not.toBe(0);
  expect(await output).toMatch(/^[^\n]+\n$/);
  expect(await output).toContain(name);
});

test.each([
  [[]],
  [["integrations", "put"]],
  [["connections", "put"]],
  [["connections", "list"]],
  [["connections", "refresh"]],
  [["keys", "create"]],
  [["providers", "show"]],
  [["rescue"]],
])("%j --help shows the usage and an example", async (args) => {
  const child = admin(...args, "--help");
  const output = await text(child.stdout);
  expect(output).toMatch(/^Usage: admin /);
  expect(output).toMatch(/Examples?:\n/);
});
