import { DecryptCommand, GenerateDataKeyCommand, type KMSClient } from "@aws-sdk/client-kms";
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from "jose";
import type { ConnectionKey, SealedTokenSet } from "../../functions/domain/model/connection.ts";

type Members = Readonly<Record<string, unknown>>;

/**
 * Token sets as the code before format 2 read and wrote them: kept here as it was, so that a deployment and its
 * rollback can be tried in one table.
 */
export const formerTokenCipher = (client: KMSClient, keyId: string) => ({
  async seal(tokens: Members, key: ConnectionKey): Promise<SealedTokenSet> {
    const EncryptionContext = contextOf(key);
    const { Plaintext = new Uint8Array(), CiphertextBlob = new Uint8Array() } = await client.send(
      new GenerateDataKeyCommand({ KeyId: keyId, KeySpec: "AES_256", EncryptionContext }),
    );
    const header = {
      ...{ alg: "dir", enc: "A256GCM", ...EncryptionContext },
      edk: Buffer.from(CiphertextBlob).toString("base64url"),
      edk_at: Date.UTC(2026, 0, 1) / 1000,
    };
    const jwe = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(tokens)))
      .setProtectedHeader(header)
      .encrypt(Plaintext);
    return jwe as SealedTokenSet;
  },

  /** @throws {Error} it is no token set of this connection */
  async open(sealed: SealedTokenSet, key: ConnectionKey): Promise<Members> {
    if (sealed.split(".").length !== 5) throw new Error("not a compact JWE");
    const { edk, edk_at, ...stated } = decodeProtectedHeader(sealed) as Members;
    const expected = { alg: "dir", enc: "A256GCM", ...contextOf(key) };
    for (const [member, value] of Object.entries(expected)) {
      if (stated[member] !== value) throw new Error(`${member} is not ${value}`);
    }
    const { Plaintext = new Uint8Array() } = await client.send(
      new DecryptCommand({
        KeyId: keyId,
        CiphertextBlob: Buffer.from(String(edk), "base64url"),
        EncryptionContext: contextOf(key),
      }),
    );
    const { plaintext } = await compactDecrypt(sealed, Plaintext, {
      keyManagementAlgorithms: ["dir"],
      contentEncryptionAlgorithms: ["A256GCM"],
    });
    return JSON.parse(new TextDecoder().decode(plaintext));
  },
});

const contextOf = ({ workspaceId, connectionId }: ConnectionKey) => ({
  workspace_id: workspaceId,
  connection_id: connectionId,
});
