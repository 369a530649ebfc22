import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import {
  type CipherOptions,
  type LocalCiphers,
  startLocalCiphers,
} from "../support/local-ciphers.ts";
import { getItem, putItem, tableNames } from "../support/local-dynamodb.ts";
import { connection, tokenSet } from "../support/refresh-harness.ts";

const projectDirectory = join(__dirname, "../..");
const document = readFileSync(join(projectDirectory, "docs/reading-a-ciphertext.md"), "utf8");
const [, reader = ""] = /```js\n(.*?)```/s.exec(document) ?? [];

let local: LocalCiphers;
beforeAll(async () => {
  local = await startLocalCiphers();
});
afterAll(() => local.close());

/** As the AWS CLI prints an item: bytes are base64. */
const printed = (item: object): string =>
  JSON.stringify({ Item: item }, (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value,
  );

async function read(item: object): Promise<unknown> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", reader], {
    cwd: projectDirectory,
    env: {
      ...{ AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" },
      ...{
        AWS_ENDPOINT_URL_DYNAMODB: local.tables.endpoint,
        AWS_ENDPOINT_URL_KMS: local.kms.endpoint,
      },
      ...{ BRANCH_KEYS_TABLE: tableNames.branchKeys, STAGE: "test" },
    },
  });
  child.stdin.end(printed(item));
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  await once(child, "close");
  const [stdout, stderr] = await output;
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout);
}

test.each<[string, CipherOptions]>([
  ["format 1", { format: 1 }],
  ["format 2", { format: 2 }],
  ["format 2 with a data key for each connection", { format: 2, keySource: "connection" }],
])("the reader in docs/reading-a-ciphertext.md opens %s", async (_, form) => {
  const stored = connection({ credentialsVersion: 1_767_268_800_000 });
  const place = { ...stored, version: stored.credentialsVersion };
  const credentials = await local.cipher(form).seal(tokenSet("rt-1"), place, undefined);
  await putItem(local.tables.client, { ...stored, credentials });
  const item = await getItem(local.tables.client, stored);
  expect(await read({ ...item })).toMatchObject({ refresh_token: "rt-1", token_type: "Bearer" });
});

test("the reader has at most 30 lines", () => {
  const lines = reader.split("\n").filter((line) => line.trim() !== "");
  expect(lines.length).toBeLessThanOrEqual(30);
});
