import { webcrypto } from "node:crypto";
import type { TokenSetPlace } from "../../domain/ports/token-cipher.ts";

export const saltBytes = 16;
const keyBytes = 32;
const commitmentBytes = 32;

export interface DerivedKey {
  /** AES-GCM, not extractable. */
  readonly cryptoKey: webcrypto.CryptoKey;
  /**
   * Stored beside the ciphertext, and compared before that is decrypted: AES-GCM alone lets one ciphertext open under
   * several keys (https://eprint.iacr.org/2020/1456).
   */
  readonly commitment: Buffer;
}

/** A branch key in the form that derivation needs: HKDF, not extractable. */
export const importBranchKey = (bytes: Uint8Array): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveBits"]);

/**
 * The key of one token set: HKDF-SHA-256 (RFC 5869) of the branch key, with the salt that stands beside the
 * ciphertext, and an info that names the place. 256 bits are the key, the following 256 the commitment.
 */
export async function deriveKey(
  branchKey: webcrypto.CryptoKey,
  salt: Uint8Array,
  { workspaceId, connectionId, version }: TokenSetPlace,
): Promise<DerivedKey> {
  const info = lengthPrefixed([purpose, workspaceId, connectionId, String(version)]);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt, info };
  const bits = Buffer.from(
    await webcrypto.subtle.deriveBits(algorithm, branchKey, 8 * (keyBytes + commitmentBytes)),
  );
  const key = bits.subarray(0, keyBytes);
  const cryptoKey = await webcrypto.subtle.importKey("raw", key, "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
  key.fill(0);
  return { cryptoKey, commitment: bits.subarray(keyBytes) };
}

const purpose = "oauth-token-refresh/token-set";

/** Each part behind its length in two bytes, so that no two lists of parts are the same bytes. */
function lengthPrefixed(parts: readonly string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      return [length, bytes];
    }),
  );
}
