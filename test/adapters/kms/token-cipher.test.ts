import { CreateKeyCommand, DecryptCommand } from "@aws-sdk/client-kms";
import { compactDecrypt, decodeProtectedHeader } from "jose";
import { unpack } from "../../../functions/adapters/kms/packed-jwe.ts";
import type {
  ConnectionId,
  SealedTokenSet,
  TokenSet,
  WorkspaceId,
} from "../../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../../functions/domain/model/errors.ts";
import { Secret } from "../../../functions/domain/model/secret.ts";
import {
  type TokenSetPlace,
  UnreadableCredentials,
} from "../../../functions/domain/ports/token-cipher.ts";
import { formerTokenCipher } from "../../support/former-token-cipher.ts";
import { localKmsClient, startSilentServer } from "../../support/local-aws-clients.ts";
import {
  type CipherOptions,
  type LocalCiphers,
  startLocalCiphers,
} from "../../support/local-ciphers.ts";

const place: TokenSetPlace = {
  connectionId: "conn_1" as ConnectionId,
  workspaceId: "wsp_1" as WorkspaceId,
  version: 7,
};
const binding = { clientId: "client-1", origin: "https://provider.example", path: "/token" };
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

let local: LocalCiphers;
beforeEach(async () => {
  local = await startLocalCiphers();
});
afterEach(() => local.close());

const jweOf = (sealed: SealedTokenSet): string => unpack(sealed) ?? sealed;
const headerOf = (sealed: SealedTokenSet) => decodeProtectedHeader(jweOf(sealed));

const forms = {
  "format 1": { format: 1 },
  "format 2": { format: 2 },
  "format 2 with a data key for each connection": { format: 2, keySource: "connection" },
} as const satisfies Record<string, CipherOptions>;

describe.each(Object.entries(forms))("%s", (_, form) => {
  const cipher = (options: CipherOptions = {}) => local.cipher({ ...form, ...options });
  const seal = (changes: Partial<TokenSetPlace> = {}) =>
    cipher().seal(tokens(), { ...place, ...changes }, binding);

  test("opens in another process, with its binding", async () => {
    const opened = await cipher().open(await seal(), place);
    expect(revealed(opened.tokens)).toEqual(revealed(tokens()));
    expect(opened.binding).toEqual(binding);
  });

  test("an unbound token set stays unbound", async () => {
    const sealed = await cipher().seal(tokens(), place, undefined);
    expect((await cipher().open(sealed, place)).binding).toBeUndefined();
  });

  test("its successor opens only under the next version", async () => {
    const { seal: sealNext } = await cipher().open(await seal(), place);
    const next = await sealNext(tokens("rt-2"), { version: 8, binding });
    const opened = await cipher().open(next, { ...place, version: 8 });
    expect(opened.tokens.refreshToken?.reveal()).toBe("rt-2");
    await expect(cipher().open(next, { ...place, version: 9 })).rejects.toThrow(
      UnreadableCredentials,
    );
  });

  test("a seal after an open sends no request", async () => {
    const { seal: sealNext } = await cipher().open(await seal(), place);
    await local.kms.close();
    const next = await sealNext(tokens("rt-2"), { version: 8, binding });
    expect(headerOf(next)).toMatchObject({ version: 8 });
  });

  test("a hundred simultaneous openings share their requests", async () => {
    const sealed = await seal();
    const before = local.kms.requests().Decrypt ?? 0;
    const one = cipher();
    await Promise.all(Array.from({ length: 100 }, () => one.open(sealed, place)));
    expect((local.kms.requests().Decrypt ?? 0) - before).toBe(1);
  });

  test("a large token set is whole", async () => {
    const large = { ...tokens(), extra: { id: "é".repeat(100_000) } };
    const sealed = await cipher().seal(large, place, binding);
    expect((await cipher().open(sealed, place)).tokens.extra).toEqual(large.extra);
  });

  test("a plaintext that a JOSE library would not decompress is not compressed", async () => {
    const large = { ...tokens(), extra: { id: "x".repeat(250_000) } };
    const sealed = await cipher().seal(large, place, binding);
    expect(headerOf(sealed)).not.toHaveProperty("zip");
    expect((await cipher().open(sealed, place)).tokens.extra).toEqual(large.extra);
  });

  describe("does not open elsewhere:", () => {
    const others: readonly [string, Partial<TokenSetPlace>][] = [
      ["another connection's", { connectionId: "conn_2" as ConnectionId }],
      ["another workspace's", { workspaceId: "wsp_2" as WorkspaceId }],
      ["a former version's", { version: 6 }],
    ];
    test.each(others)("%s, and KMS is not even asked", async (__, changes) => {
      const sealed = await seal(changes);
      const before = local.kms.requests();
      await expect(cipher().open(sealed, place)).rejects.toThrow(UnreadableCredentials);
      expect(local.kms.requests()).toEqual(before);
    });
    test.each(others)("%s under a forged header", async (__, changes) => {
      const sealed = await seal(changes);
      const header = {
        ...headerOf(sealed),
        ...{ workspace_id: "wsp_1", connection_id: "conn_1", version: 7 },
      };
      const forged = withHeader(sealed, header);
      await expect(cipher().open(forged, place)).rejects.toThrow(UnreadableCredentials);
    });
    test.each([
      ["client", { client_id: "client-2" }],
      ["token endpoint", { token_endpoint: "https://attacker.example/token" }],
    ])("with another %s in its header", async (__, changes) => {
      const sealed = await seal();
      const forged = withHeader(sealed, { ...headerOf(sealed), ...changes });
      await expect(cipher().open(forged, place)).rejects.toThrow(UnreadableCredentials);
    });
    test("with half a binding", async () => {
      const sealed = await seal();
      const { token_endpoint: _, ...header } = headerOf(sealed);
      await expect(cipher().open(withHeader(sealed, header), place)).rejects.toThrow(
        UnreadableCredentials,
      );
    });
    test.each<[string, (sealed: string) => string]>([
      ["cut off", (sealed) => sealed.slice(0, -30)],
      ["altered", (sealed) => `${sealed.slice(0, -4)}AAAA`],
      ["cut to its beginning", (sealed) => sealed.slice(0, 9)],
      ["no JWE", () => "canary"],
      ["no JWE, packed", () => "Agcanary"],
      ["empty", () => ""],
    ])("%s", async (__, damage) => {
      const sealed = damage(await seal()) as SealedTokenSet;
      const opening = cipher().open(sealed, place);
      await expect(opening).rejects.toThrow(UnreadableCredentials);
      await expect(opening).rejects.not.toThrow(/canary|at-1|rt-1/);
    });
  });

  describe("without KMS the store is unavailable, and KMS is asked again next time:", () => {
    test("it is down", async () => {
      const sealed = await seal();
      await local.kms.close();
      const one = cipher();
      await expect(one.open(sealed, place)).rejects.toThrow(StoreUnavailable);
      await expect(one.seal(tokens(), place, binding)).rejects.toThrow(StoreUnavailable);
    });
    test("it is silent", async () => {
      const sealed = await seal();
      const silent = await startSilentServer();
      const client = localKmsClient(silent.endpoint, 200);
      await expect(cipher({ client }).open(sealed, place)).rejects.toThrow(StoreUnavailable);
      client.destroy();
      await silent.close();
    });
  });

  describe("after a change of the KMS key", () => {
    const newKey = async () =>
      (await local.client.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? "";

    test("a token set of the former key opens, and its successor is sealed under the new one", async () => {
      const sealed = await seal();
      const keyId = await newKey();
      const moving = cipher({ keyId, formerKeyIds: [local.kms.keyArn] });
      const { seal: sealNext } = await moving.open(sealed, place);
      const moved = await sealNext(tokens("rt-2"), { version: 8, binding });
      const opened = await cipher({ keyId }).open(moved, { ...place, version: 8 });
      expect(opened.tokens.refreshToken?.reveal()).toBe("rt-2");
    });

    test("without the former key the error names the settings", async () => {
      const sealed = await seal();
      await expect(cipher({ keyId: await newKey() }).open(sealed, place)).rejects.toThrow(
        "is wrapped by a KMS key that is neither KMS_KEY_ID nor among FORMER_KMS_KEY_IDS",
      );
    });
  });

  test("the next token set may have another form, and the one after it the first", async () => {
    for (const other of Object.values(forms)) {
      const { seal: sealOther } = await local.cipher(other).open(await seal(), place);
      const moved = await sealOther(tokens("rt-2"), { version: 8, binding });
      const { seal: sealBack } = await cipher().open(moved, { ...place, version: 8 });
      const back = await sealBack(tokens("rt-3"), { version: 9, binding });
      const opened = await cipher().open(back, { ...place, version: 9 });
      expect(opened.tokens.refreshToken?.reveal()).toBe("rt-3");
      expect(Object.keys(headerOf(back))).toEqual(Object.keys(headerOf(await seal())));
    }
  });
});

/** The same ciphertext behind another header, as anyone who may write an item can store it. */
function withHeader(sealed: SealedTokenSet, header: object): SealedTokenSet {
  const json = Buffer.from(JSON.stringify(header));
  const [, ...parts] = jweOf(sealed).split(".");
  if (jweOf(sealed) === sealed) {
    return [json.toString("base64url"), ...parts].join(".") as SealedTokenSet;
  }
  const start = Buffer.from([2, json.length >> 8, json.length & 255]);
  const rest = parts.map((part) => Buffer.from(part, "base64url"));
  return Buffer.concat([start, json, ...rest]).toString("base64url") as SealedTokenSet;
}

describe("format 1", () => {
  const former = () => formerTokenCipher(local.client, local.kms.keyId);
  const stored = { access_token: "at-1", refresh_token: "rt-1", token_type: "Bearer" };

  test("is the form that the former release reads and writes", async () => {
    const opened = await local.cipher().open(await former().seal(stored, place), place);
    expect(opened.binding).toBeUndefined();
    const next = await opened.seal(tokens("rt-2"), { version: 8, binding });
    expect(await former().open(next, place)).toMatchObject({ refresh_token: "rt-2" });
  });

  test("after a rollback from format 2, the next token set opens in the former release", async () => {
    const sealed = await local.cipher({ format: 2 }).seal(tokens(), place, binding);
    await expect(former().open(sealed, place)).rejects.toThrow("not a compact JWE");
    const { seal } = await local.cipher({ format: 1 }).open(sealed, place);
    const next = await seal(tokens("rt-2"), { version: 8, binding });
    expect(await former().open(next, place)).toMatchObject({ refresh_token: "rt-2" });
  });

  test("opens under the lower version that a release without versions gives it", async () => {
    const { seal } = await local.cipher().open(await former().seal(stored, place), place);
    const sealed = await seal(tokens("rt-2"), { version: 1_767_225_600_000, binding });
    const opened = await local.cipher().open(sealed, { ...place, version: 8 });
    expect(opened.tokens.refreshToken?.reveal()).toBe("rt-2");
  });

  test("any JOSE library opens it with the data key that KMS decrypts", async () => {
    const sealed = await local.cipher().seal(tokens(), place, binding);
    const header = decodeProtectedHeader(sealed);
    expect(header).toMatchObject({
      ...{ alg: "dir", enc: "A256GCM", workspace_id: "wsp_1", connection_id: "conn_1" },
      ...{ version: 7, client_id: "client-1", token_endpoint: "https://provider.example/token" },
    });
    const { Plaintext = new Uint8Array() } = await local.client.send(
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

  test("the first refresh in a process sends one request to KMS, and the next one none", async () => {
    let current = await local.cipher().seal(tokens(), place, binding);
    const before = local.kms.requests();
    const cipher = local.cipher();
    for (let version = 8; version < 11; version++) {
      const { seal } = await cipher.open(current, { ...place, version: version - 1 });
      current = await seal(tokens(`rt-${version}`), { version, binding });
    }
    expect(local.kms.requests()).toEqual({ ...before, Decrypt: (before.Decrypt ?? 0) + 1 });
  });

  test("an opened data key is evicted after its time", async () => {
    const cipher = local.cipher({ cacheMaxAgeMs: 60_000 });
    const sealed = await local.cipher().seal(tokens(), place, binding);
    await cipher.open(sealed, place);
    local.clock.advance(59_999);
    await cipher.open(sealed, place);
    expect(local.kms.requests().Decrypt).toBe(1);
    local.clock.advance(1);
    await cipher.open(sealed, place);
    expect(local.kms.requests().Decrypt).toBe(2);
  });

  test.each<[string, CipherOptions, number]>([
    ["after its time", { maxDataKeyAgeMs: 1_000 }, 1_000],
    ["after its number of uses", { maxSeals: 1 }, 0],
  ])("a data key is replaced %s, and its token sets still open", async (_, options, laterMs) => {
    const cipher = local.cipher(options);
    const first = await cipher.seal(tokens(), place, binding);
    local.clock.advance(laterMs);
    const { seal } = await cipher.open(first, place);
    const second = await seal(tokens("rt-2"), { version: 8, binding });
    expect(decodeProtectedHeader(second).edk).not.toBe(decodeProtectedHeader(first).edk);
    const opened = await local.cipher().open(second, { ...place, version: 8 });
    expect(opened.tokens.refreshToken?.reveal()).toBe("rt-2");
    expect((await local.cipher().open(first, place)).tokens.refreshToken?.reveal()).toBe("rt-1");
  });
});

describe("format 2", () => {
  test("holds no wrapped key, and its commitment is compared before it is decrypted", async () => {
    const sealed = await local.cipher({ format: 2 }).seal(tokens(), place, binding);
    const header = headerOf(sealed);
    expect(header).toEqual({
      ...{ alg: "dir", enc: "A256GCM", zip: "DEF" },
      kid: expect.stringMatching(/^\d{1,2}\.2026-01-01\.[0-9a-f]{8}$/),
      salt: expect.stringMatching(/^[\w-]{22}$/),
      commitment: expect.stringMatching(/^[\w-]{43}$/),
      ...{ workspace_id: "wsp_1", connection_id: "conn_1", version: 7 },
      ...{ client_id: "client-1", token_endpoint: "https://provider.example/token" },
    });
    const forged = withHeader(sealed, { ...header, salt: "A".repeat(22) });
    await expect(local.cipher().open(forged, place)).rejects.toThrow("commitment");
  });

  test("a ciphertext of another stage does not open", async () => {
    const sealed = await local.cipher({ format: 2, stage: "prod" }).seal(tokens(), place, binding);
    const opening = local.cipher({ format: 2, stage: "test" }).open(sealed, place);
    await expect(opening).rejects.toThrow(UnreadableCredentials);
  });

  test("does not open when the plaintext grows beyond the limit", async () => {
    const cipher = local.cipher({ format: 2, keySource: "connection" });
    const sealed = await cipher.seal(tokens(), place, binding);
    const { edk } = headerOf(sealed);
    const { Plaintext = new Uint8Array() } = await local.client.send(
      new DecryptCommand({
        CiphertextBlob: Buffer.from(String(edk), "base64url"),
        EncryptionContext: { workspace_id: "wsp_1", connection_id: "conn_1" },
      }),
    );
    const { CompactEncrypt } = await import("jose");
    const bomb = await new CompactEncrypt(Buffer.alloc(10_000_000, 32))
      .setProtectedHeader({ ...headerOf(sealed), alg: "dir", enc: "A256GCM" })
      .encrypt(Plaintext);
    await expect(cipher.open(bomb as SealedTokenSet, place)).rejects.toThrow(UnreadableCredentials);
  });
});
