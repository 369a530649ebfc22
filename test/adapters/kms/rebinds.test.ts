import { PutItemCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { kmsRebinds, putRebind, removeRebind } from "../../../functions/adapters/kms/rebinds.ts";
import { StoreUnavailable } from "../../../functions/domain/model/errors.ts";
import { type LocalCiphers, startLocalCiphers } from "../../support/local-ciphers.ts";
import { tableNames } from "../../support/local-dynamodb.ts";

const from = { clientId: "client", origin: "https://former.example" };
const to = { clientId: "client", origin: "https://provider.example", path: "/token" };

let local: LocalCiphers;
beforeEach(async () => {
  local = await startLocalCiphers();
});
afterEach(() => local.close());

const options = (stage = "test") => ({
  client: local.client,
  keyId: local.kms.keyId,
  table: { client: local.tables.client, tableName: tableNames.coordination },
  stage,
  clock: local.clock,
});

async function onlyItem() {
  const { Items = [] } = await local.tables.client.send(
    new ScanCommand({ TableName: tableNames.coordination }),
  );
  return Items.find(({ sealed }) => sealed !== undefined) ?? {};
}

test.each([to, { ...to, path: undefined }])(
  "a permission is read by every process",
  async (one) => {
    await putRebind(options(), from, one);
    expect(await kmsRebinds(options()).successorOf(from)).toEqual(one);
  },
);

test.each([
  { ...from, clientId: "another" },
  { ...from, origin: "https://another.example" },
])("there is none from %j", async (other) => {
  await putRebind(options(), from, to);
  expect(await kmsRebinds(options()).successorOf(other)).toBeUndefined();
});

test("another stage's is none", async () => {
  await putRebind(options("other"), from, to);
  expect(await kmsRebinds(options()).successorOf(from)).toBeUndefined();
});

describe("whoever can write the table and no more gives none:", () => {
  const write = (changes: object) => async () => {
    const Item = { ...(await onlyItem()), ...changes };
    await local.tables.client.send(
      new PutItemCommand({ TableName: tableNames.coordination, Item }),
    );
  };
  test("by bytes of his own", async () => {
    await putRebind(options(), from, to);
    await write({ sealed: { B: Buffer.from(JSON.stringify(to)) } })();
    expect(await kmsRebinds(options()).successorOf(from)).toBeUndefined();
  });
  test("by another permission's bytes", async () => {
    const other = { ...from, origin: "https://another.example" };
    await putRebind(options(), other, to);
    const { sealed } = await onlyItem();
    await removeRebind(options(), other);
    await putRebind(options(), from, { ...to, origin: "https://third.example" });
    await write({ sealed })();
    expect(await kmsRebinds(options()).successorOf(from)).toBeUndefined();
  });
});

test("a withdrawal counts after a minute, and a permission after five seconds", async () => {
  const rebinds = kmsRebinds(options());
  expect(await rebinds.successorOf(from)).toBeUndefined();
  await putRebind(options(), from, to);
  expect(await rebinds.successorOf(from)).toBeUndefined();
  local.clock.advance(5_000);
  expect(await rebinds.successorOf(from)).toEqual(to);
  expect(await removeRebind(options(), from)).toBe(true);
  expect(await rebinds.successorOf(from)).toEqual(to);
  local.clock.advance(60_000);
  expect(await rebinds.successorOf(from)).toBeUndefined();
  expect(await removeRebind(options(), from)).toBe(false);
});

test("without KMS nothing is known", async () => {
  await putRebind(options(), from, to);
  await local.kms.close();
  await expect(kmsRebinds(options()).successorOf(from)).rejects.toThrow(StoreUnavailable);
});
