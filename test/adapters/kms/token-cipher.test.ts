import { DecryptCommand, type KMSClient } from "@aws-sdk/client-kms";
import { compactDecrypt, decodeProtectedHeader } from "jose";
import { type LocalKms, startKms } from "../../../bin/local/kms.ts";
import { kmsTokenCipher } from "../../../functions/adapters/kms/token-cipher.ts";
import type {
  ConnectionId,
  ConnectionKey,
  SealedTokenSet,
  TokenSet,
  WorkspaceId,
} from "../../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../../functions/domain/model/errors.ts";
import { Secret } from "../../../functions/domain/model/secret.ts";
import { UnreadableCredentials } from "../../../functions/domain/ports/token-cipher.ts";
import { localKmsClient, manualClock, startSilentServer } from "../../support/local-aws-clients.ts";

const key: ConnectionKey = {
  connectionId: "conn_1" as ConnectionId,
  workspaceId: "wsp_1" as WorkspaceId,
};
const tokens = (refreshToken = "rt-1"): TokenSet => ({
  accessToken: new Secret("at-1"),
  refreshToken: new Secret(refreshToken),
  tokenType: "Bearer",
  scope: "read write",
  expiresAtMs: Date.UTC(2026, 0, 1, 13),
  extra: { instance_url: "https://eu.example" },
});
const revealed = ({ accessToken, refreshToken, ...rest }: TokenSet) => ({
  accessToken: accessToken.reveal(),
  refreshToken: refreshToken?.reveal(),
  ...rest,
});

let kms: LocalKms;
let client: KMSClient;
beforeEach(async () => {
  kms = await startKms();
  client = localKmsClient(kms.endpoint);
});
afterEach(async () => {
  client.destroy();
  await kms.close();
});

/** A process: its caches are its own. */
const newCipher = (options: Partial<Parameters<typeof kmsTokenCipher>[0]> = {}) =>
  kmsTokenCipher({ client, keyId: kms.keyId, clock: manualClock(), ...options });

test("what was sealed opens, in another process too", async () => {
  const sealed = await newCipher().seal(tokens(), key);
  const { tokens: opened } = await newCipher().open(sealed, key);
  expect(revealed(opened)).toEqual(revealed(tokens()));
});

test("any JOSE library opens it with the data key that KMS decrypts", async () => {
  const sealed = await newCipher().seal(tokens(), key);
  const header = decodeProtectedHeader(sealed);
  expect(header).toMatchObject({
    alg: "dir",
    enc: "A256GCM",
    workspace_id: "wsp_1",
    connection_id: "conn_1",
  });
  const { Plaintext = new Uint8Array() } = await client.send(
    new DecryptCommand({
      CiphertextBlob: Buffer.from(String(header.edk), "base64url"),
      EncryptionContext: { workspace_id: "wsp_1", connection_id: "conn_1" },
    }),
  );
  const { plaintext } = await compactDecrypt(sealed, Plaintext);
  expect(JSON.parse(new TextDecoder().decode(plaintext))).toEqual({
    access_token: "at-1",
    refresh_token: "rt-1",
    token_type: "Bearer",
    scope: "read write",
    expires_at: "2026-01-01T13:00:00.000Z",
    instance_url: "https://eu.example",
  });
});

test("one refresh in a new process asks KMS once, the next one in it not at all", async () => {
  const sealed = await newCipher().seal(tokens(), key);
  const before = kms.requests();
  const cipher = newCipher();
  let current = sealed;
  for (let i = 2; i < 5; i++) {
    const { seal } = await cipher.open(current, key);
    current = await seal(tokens(`rt-${i}`));
  }
  expect(kms.requests()).toEqual({ ...before, Decrypt: (before.Decrypt ?? 0) + 1 });
  const { tokens: last } = await cipher.open(current, key);
  expect(last.refreshToken?.reveal()).toBe("rt-4");
});

test("a hundred openings at once share one request", async () => {
  const sealed = await newCipher().seal(tokens(), key);
  const cipher = newCipher();
  await Promise.all(Array.from({ length: 100 }, () => cipher.open(sealed, key)));
  expect(kms.requests().Decrypt).toBe(1);
});

test("an opened data key is forgotten after a while", async () => {
  const clock = manualClock();
  const cipher = newCipher({ clock, cacheMaxAgeMs: 60_000 });
  const sealed = await newCipher().seal(tokens(), key);
  await cipher.open(sealed, key);
  clock.advance(59_999);
  await cipher.open(sealed, key);
  expect(kms.requests().Decrypt).toBe(1);
  clock.advance(1);
  await cipher.open(sealed, key);
  expect(kms.requests().Decrypt).toBe(2);
});

test.each<[string, Parameters<typeof newCipher>[0], number]>([
  ["after its time", { maxDataKeyAgeMs: 1_000 }, 1_000],
  ["after its number of uses", { maxSeals: 1 }, 0],
])("a data key is replaced %s, and what it sealed still opens", async (_, options, laterMs) => {
  const clock = manualClock();
  const cipher = newCipher({ clock, ...options });
  const first = await cipher.seal(tokens(), key);
  clock.advance(laterMs);
  const { seal } = await cipher.open(first, key);
  const second = await seal(tokens("rt-2"));
  expect(decodeProtectedHeader(second).edk).not.toBe(decodeProtectedHeader(first).edk);
  expect((await newCipher().open(second, key)).tokens.refreshToken?.reveal()).toBe("rt-2");
  expect((await newCipher().open(first, key)).tokens.refreshToken?.reveal()).toBe("rt-1");
});

describe("a ciphertext that is not this connection's does not open:", () => {
  const others: readonly [string, Partial<ConnectionKey>][] = [
    ["another connection's", { connectionId: "conn_2" as ConnectionId }],
    ["another workspace's", { workspaceId: "wsp_2" as WorkspaceId }],
  ];
  test.each(others)("%s, and KMS is not even asked", async (_, changes) => {
    const sealed = await newCipher().seal(tokens(), { ...key, ...changes });
    await expect(newCipher().open(sealed, key)).rejects.toThrow(UnreadableCredentials);
    expect(kms.requests().Decrypt).toBeUndefined();
  });
  test.each(others)("%s under a forged header: KMS refuses", async (_, changes) => {
    const sealed = await newCipher().seal(tokens(), { ...key, ...changes });
    const header = {
      ...decodeProtectedHeader(sealed),
      workspace_id: "wsp_1",
      connection_id: "conn_1",
    };
    const [, ...parts] = sealed.split(".");
    const forged = [Buffer.from(JSON.stringify(header)).toString("base64url"), ...parts].join(".");
    await expect(newCipher().open(forged as SealedTokenSet, key)).rejects.toThrow(
      UnreadableCredentials,
    );
  });
  test.each<[string, (sealed: string) => string]>([
    ["cut off", (sealed) => sealed.slice(0, -30)],
    ["altered", (sealed) => sealed.replace(/\.([^.]+)\.([^.]+)$/, ".AAAA.$2")],
    ["no JWE", () => "canary"],
    ["empty", () => ""],
  ])("%s", async (_, damage) => {
    const sealed = damage(await newCipher().seal(tokens(), key)) as SealedTokenSet;
    const opening = newCipher().open(sealed, key);
    await expect(opening).rejects.toThrow(UnreadableCredentials);
    await expect(opening).rejects.not.toThrow(/canary|at-1|rt-1/);
  });
});

describe("KMS that does not answer makes the store unavailable, and is asked again next time:", () => {
  test("it is down", async () => {
    const sealed = await newCipher().seal(tokens(), key);
    await kms.close();
    const cipher = newCipher();
    await expect(cipher.open(sealed, key)).rejects.toThrow(StoreUnavailable);
    await expect(cipher.seal(tokens(), key)).rejects.toThrow(StoreUnavailable);
  });
  test("it is silent", async () => {
    const sealed = await newCipher().seal(tokens(), key);
    const silent = await startSilentServer();
    const silentClient = localKmsClient(silent.endpoint, 200);
    const cipher = newCipher({ client: silentClient });
    await expect(cipher.open(sealed, key)).rejects.toThrow(StoreUnavailable);
    silentClient.destroy();
    await silent.close();
  });
});
