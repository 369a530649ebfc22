import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateKeyCommand,
  DecryptCommand,
  DescribeKeyCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  type KMSClient,
} from "@aws-sdk/client-kms";
import { type KmsOptions, type LocalKms, startKms } from "../../../bin/local/kms.ts";
import { localKmsClient } from "../../support/local-aws-clients.ts";

const context = { workspace_id: "wsp_1", connection_id: "conn_1" };

async function withKms<T>(
  use: (client: KMSClient, kms: LocalKms) => Promise<T>,
  options?: KmsOptions,
): Promise<T> {
  const kms = await startKms(options);
  const client = localKmsClient(kms.endpoint);
  try {
    return await use(client, kms);
  } finally {
    client.destroy();
    await kms.close();
  }
}

const generate = (client: KMSClient, KeyId: string) =>
  client.send(
    new GenerateDataKeyCommand({ KeyId, KeySpec: "AES_256", EncryptionContext: context }),
  );

it("decrypts what it generated, whatever the order of the encryption context", () =>
  withKms(async (client, { keyId, keyArn }) => {
    const generated = await generate(client, keyId);
    expect(generated.Plaintext).toHaveLength(32);
    expect(generated.KeyId).toBe(keyArn);
    const decrypted = await client.send(
      new DecryptCommand({
        KeyId: keyArn,
        CiphertextBlob: generated.CiphertextBlob,
        EncryptionContext: { connection_id: "conn_1", workspace_id: "wsp_1" },
      }),
    );
    expect(decrypted.Plaintext).toEqual(generated.Plaintext);
    expect(decrypted.KeyId).toBe(keyArn);
  }));

it("generates a data key without its plaintext, which Decrypt returns", () =>
  withKms(async (client, { keyId }) => {
    const generated = await client.send(
      new GenerateDataKeyWithoutPlaintextCommand({
        ...{ KeyId: keyId, KeySpec: "AES_256", EncryptionContext: context },
      }),
    );
    expect(generated).not.toHaveProperty("Plaintext");
    const { CiphertextBlob } = generated;
    const decrypted = await client.send(
      new DecryptCommand({ CiphertextBlob, EncryptionContext: context }),
    );
    expect(decrypted.Plaintext).toHaveLength(32);
  }));

it("decrypts what it encrypted, up to 4096 bytes", () =>
  withKms(async (client, { keyId }) => {
    const encrypt = (bytes: number) =>
      client.send(
        new EncryptCommand({
          ...{ KeyId: keyId, EncryptionContext: context },
          Plaintext: new Uint8Array(bytes).fill(7),
        }),
      );
    const { CiphertextBlob } = await encrypt(4096);
    const decrypted = await client.send(
      new DecryptCommand({ CiphertextBlob, EncryptionContext: context }),
    );
    expect(decrypted.Plaintext).toEqual(new Uint8Array(4096).fill(7));
    await expect(encrypt(4097)).rejects.toMatchObject({ name: "ValidationException" });
  }));

it("decrypts with the key that encrypted, and refuses where another one is named", () =>
  withKms(async (client, { keyId, keyArn }) => {
    const { KeyMetadata } = await client.send(new CreateKeyCommand({}));
    const { CiphertextBlob } = await generate(client, keyId);
    const decrypt = (KeyId?: string) =>
      client.send(new DecryptCommand({ KeyId, CiphertextBlob, EncryptionContext: context }));
    expect((await decrypt()).KeyId).toBe(keyArn);
    await expect(decrypt(KeyMetadata?.Arn)).rejects.toMatchObject({
      name: "IncorrectKeyException",
    });
  }));

it.each([
  ["another context", { ...context, connection_id: "conn_2" }],
  ["no context", undefined],
  ["a larger context", { ...context, more: "x" }],
])("does not decrypt under %s", (_, EncryptionContext) =>
  withKms(async (client, { keyId }) => {
    const { CiphertextBlob } = await generate(client, keyId);
    const decrypt = client.send(new DecryptCommand({ CiphertextBlob, EncryptionContext }));
    await expect(decrypt).rejects.toMatchObject({ name: "InvalidCiphertextException" });
  }),
);

it.each([
  ["a ciphertext of another KMS", new Uint8Array(60).fill(7)],
  ["one that is cut short", new Uint8Array(5)],
])("does not decrypt %s", (_, CiphertextBlob) =>
  withKms(async (client) => {
    const decrypt = client.send(new DecryptCommand({ CiphertextBlob }));
    await expect(decrypt).rejects.toMatchObject({ name: "InvalidCiphertextException" });
  }),
);

it("accepts its own key alone", () =>
  withKms(async (client, { keyId }) => {
    const described = await client.send(new DescribeKeyCommand({ KeyId: keyId }));
    expect(described.KeyMetadata).toMatchObject({ KeyId: keyId, KeyState: "Enabled" });
    const unknown = { name: "NotFoundException" };
    await expect(generate(client, "other")).rejects.toMatchObject(unknown);
    await expect(client.send(new DescribeKeyCommand({ KeyId: "other" }))).rejects.toMatchObject(
      unknown,
    );
    await expect(
      client.send(new DecryptCommand({ KeyId: "other", CiphertextBlob: new Uint8Array(60) })),
    ).rejects.toMatchObject(unknown);
  }));

it("rejects a data key without a length", () =>
  withKms(async (client, { keyId }) => {
    const generated = client.send(new GenerateDataKeyCommand({ KeyId: keyId }));
    await expect(generated).rejects.toMatchObject({ name: "ValidationException" });
  }));

describe("with a directory", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "kms-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("keeps its key across restarts, readable by the owner alone", async () => {
    const first = await withKms(
      async (client, { keyId }) => ({ keyId, ...(await generate(client, keyId)) }),
      { directory },
    );
    expect(readdirSync(directory)).toEqual(["kms.json"]);
    expect(statSync(join(directory, "kms.json")).mode & 0o777).toBe(0o600);
    await withKms(
      async (client, { keyId }) => {
        const { CiphertextBlob } = first;
        const decrypted = await client.send(
          new DecryptCommand({ KeyId: keyId, CiphertextBlob, EncryptionContext: context }),
        );
        expect(keyId).toBe(first.keyId);
        expect(decrypted.Plaintext).toEqual(first.Plaintext);
      },
      { directory },
    );
  });

  it("keeps keys that were created later as well", async () => {
    const { KeyMetadata } = await withKms((client) => client.send(new CreateKeyCommand({})), {
      directory,
    });
    await withKms(
      (client) => client.send(new DescribeKeyCommand({ KeyId: KeyMetadata?.KeyId ?? "" })),
      { directory },
    );
  });

  it.each(["not JSON: canary", '{"keyId":"k","material":"AAAA"}'])(
    "names a file that it cannot use, and does not quote it: %s",
    async (content) => {
      writeFileSync(join(directory, "kms.json"), content);
      const message = await startKms({ directory }).then(
        () => "started",
        (error: Error) => error.message,
      );
      expect(message).toContain(join(directory, "kms.json"));
      expect(message).not.toContain("canary");
    },
  );
});
