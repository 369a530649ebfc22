import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

function admin(...args: string[]) {
  const { PATH } = process.env;
  return spawn(process.execPath, ["bin/admin.ts", ...args], { env: { PATH } });
}

test("a reader that has read enough is no failure", async () => {
  const child = admin("--help");
  child.stdout.destroy();
  const told = text(child.stderr);
  expect(await once(child, "close")).toEqual([0, null]);
  expect(await told).toBe("");
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
  const told = text(child.stderr);
  const [code] = await once(child, "close");
  expect(code).not.toBe(0);
  expect(await told).toMatch(/^[^\n]+\n$/);
  expect(await told).toContain(name);
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
])("help stands beside %j, with an example", async (args) => {
  const child = admin(...args, "--help");
  const told = await text(child.stdout);
  expect(told).toMatch(/^Usage: admin /);
  expect(told).toMatch(/Examples?:\n/);
});
