import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { DisabledException, type KMSClient } from "@aws-sdk/client-kms";
import {
  type KmsBranchKeysOptions,
  kmsBranchKeys,
} from "../../../functions/adapters/kms/branch-keys.ts";
import { KeyDeclined } from "../../../functions/adapters/kms/decrypt.ts";
import type { WorkspaceId } from "../../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../../functions/domain/model/errors.ts";
import { UnreadableCredentials } from "../../../functions/domain/ports/token-cipher.ts";
import { type LocalCiphers, startLocalCiphers } from "../../support/local-ciphers.ts";
import { tableNames } from "../../support/local-dynamodb.ts";

const workspaceId = "wsp_1" as WorkspaceId;
const hourMs = 3_600_000;

let local: LocalCiphers;
let outage: "none" | "no_response" | "declined";
beforeEach(async () => {
  local = await startLocalCiphers();
  outage = "none";
});
afterEach(() => local.close());

/** KMS, in the state that the test has set. */
const client = (): KMSClient =>
  new Proxy(local.client, {
    get: (target, name) =>
      name !== "send"
        ? Reflect.get(target, name)
        : async (...args: Parameters<KMSClient["send"]>) => {
            if (outage === "no_response") throw new TimeoutError();
            if (outage === "declined") throw new DisabledException(disabled);
            return target.send(...args);
          },
  });

class TimeoutError extends Error {
  override name = "TimeoutError";
}
const disabled = { $metadata: { httpStatusCode: 400 }, message: "the key is disabled" };

/** A process, with a cache of its own. */
const process = (changes: Partial<KmsBranchKeysOptions> = {}) =>
  kmsBranchKeys({
    client: client(),
    keyId: local.kms.keyId,
    table: { client: local.tables.client, tableName: tableNames.branchKeys },
    stage: "test",
    clock: local.clock,
    branches: 16,
    ...changes,
  });

async function storedKeys() {
  const { Items = [] } = await local.tables.client.send(
    new ScanCommand({ TableName: tableNames.branchKeys }),
  );
  return Items;
}

test("processes that first need the key of a day at the same time seal with one key", async () => {
  const keys = await Promise.all(Array.from({ length: 20 }, () => process().current(workspaceId)));
  expect(new Set(keys.map(({ id }) => id)).size).toBe(1);
  expect(await storedKeys()).toEqual([
    {
      branch_key_id: { S: keys[0]?.id },
      wrapped_key: { B: expect.any(Uint8Array) },
      kms_key_arn: { S: local.kms.keyArn },
      created_at: { S: "2026-01-01T12:00:00Z" },
    },
  ]);
});

test("a workspace has one branch, and workspaces are spread over all of them", async () => {
  const keys = process({ branches: 4 });
  const ids = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => (await keys.current(`wsp_${i}` as WorkspaceId)).id),
  );
  expect(new Set(ids).size).toBe(4);
  expect((await keys.current("wsp_7" as WorkspaceId)).id).toBe(ids[7]);
});

test("a key is replaced every day, and the former one still opens", async () => {
  const keys = process();
  const first = await keys.current(workspaceId);
  local.clock.advance(12 * hourMs);
  const second = await keys.current(workspaceId);
  expect([first.id, second.id].map((id) => id.split(".")[1])).toEqual(["2026-01-01", "2026-01-02"]);
  expect((await process().find(first.id)).id).toBe(first.id);
});

test("a key is cached for an hour", async () => {
  const keys = process();
  await keys.current(workspaceId);
  const before = local.kms.requests().Decrypt ?? 0;
  local.clock.advance(hourMs - 1);
  await keys.current(workspaceId);
  expect(local.kms.requests().Decrypt).toBe(before);
  local.clock.advance(1);
  await keys.current(workspaceId);
  expect(local.kms.requests().Decrypt).toBe(before + 1);
});

test("while KMS does not respond, a key is used for four hours and no longer", async () => {
  const keys = process();
  const { id } = await keys.current(workspaceId);
  outage = "no_response";
  local.clock.advance(4 * hourMs - 1);
  expect((await keys.current(workspaceId)).id).toBe(id);
  expect((await keys.find(id)).id).toBe(id);
  local.clock.advance(1);
  await expect(keys.find(id)).rejects.toThrow(StoreUnavailable);
  outage = "none";
  expect((await keys.find(id)).id).toBe(id);
});

test("during an outage at midnight the former key still seals", async () => {
  const keys = process();
  local.clock.advance(11 * hourMs);
  const before = await keys.current(workspaceId);
  local.clock.advance(hourMs);
  outage = "no_response";
  expect((await keys.current(workspaceId)).id).toBe(before.id);
  outage = "none";
  local.clock.advance(30_000);
  expect((await keys.current(workspaceId)).id).toContain(".2026-01-02.");
});

test("a disabled KMS key ends a cached key at its next load, not hours later", async () => {
  const keys = process();
  const { id } = await keys.current(workspaceId);
  outage = "declined";
  local.clock.advance(hourMs);
  await expect(keys.find(id)).rejects.toThrow(KeyDeclined);
  outage = "no_response";
  await expect(keys.find(id)).rejects.toThrow(StoreUnavailable);
});

test("a KMS key that is disabled seals no more from midnight on, though the key before is cached", async () => {
  const keys = process();
  local.clock.advance(11.5 * hourMs);
  await keys.current(workspaceId);
  outage = "declined";
  local.clock.advance(hourMs);
  await expect(keys.current(workspaceId)).rejects.toThrow(KeyDeclined);
});

test.each([
  ["an id that is not there", async () => "3.2026-01-01.00000000"],
  [
    "a wrapped key under another id",
    async () => {
      const { id } = await process().current(workspaceId);
      const [stored] = await storedKeys();
      const { PutItemCommand } = await import("@aws-sdk/client-dynamodb");
      const moved = id.replace("2026-01-01", "2025-12-31");
      const Item = { ...stored, branch_key_id: { S: moved } };
      await local.tables.client.send(
        new PutItemCommand({ TableName: tableNames.branchKeys, Item }),
      );
      return moved;
    },
  ],
])("%s opens nothing", async (_, idOf) => {
  await expect(process().find(await idOf())).rejects.toThrow(UnreadableCredentials);
});
