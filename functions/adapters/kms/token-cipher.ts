import { decodeProtectedHeader } from "jose/decode/protected_header";
import { compactDecrypt } from "jose/jwe/compact/decrypt";
import { CompactEncrypt } from "jose/jwe/compact/encrypt";
import type { ConnectionKey, SealedTokenSet, TokenSet } from "../../domain/model/connection.ts";
import { type TokenCipher, UnreadableCredentials } from "../../domain/ports/token-cipher.ts";
import { faultsText, validated } from "../../validation/check.ts";
import { object } from "../../validation/structures.ts";
import { integer, matching, oneOf } from "../../validation/values.ts";
import { type DataKey, type KmsDataKeysOptions, kmsDataKeys } from "./data-keys.ts";
import { parseTokenSet, tokenSetJson } from "./token-set-json.ts";

export interface KmsTokenCipherOptions extends KmsDataKeysOptions {
  /** A data key older than this seals no more. @default 2592000000, thirty days */
  readonly maxDataKeyAgeMs?: number;
  /**
   * How often a process seals with one data key, counted while the key is cached. AES-GCM with random
   * IVs allows 2^32 in all (NIST SP 800-38D §8.3). @default 10000
   */
  readonly maxSeals?: number;
}

const alg = "dir" as const;
const enc = "A256GCM" as const;

/** The protected header: which connection, and the data key as KMS wrapped it. */
interface Header {
  readonly alg: typeof alg;
  readonly enc: typeof enc;
  readonly workspace_id: string;
  readonly connection_id: string;
  /** base64url of KMS's `CiphertextBlob`. */
  readonly edk: string;
  /** When the data key was generated, in epoch seconds. */
  readonly edk_at: number;
}

interface SealingKey {
  readonly dataKey: DataKey;
  readonly generatedAtSeconds: number;
}

/**
 * Token sets as compact JWEs (RFC 7516; `dir`, `A256GCM`) under a data key that each connection has
 * for itself. Whoever may ask KMS to decrypt `edk`, with the encryption context
 * `{workspace_id, connection_id}`, reads them with any JOSE library.
 *
 * `open` asks KMS for one thing at most, unless the data key has to be replaced; the `seal` that it
 * returns asks for nothing.
 */
export function kmsTokenCipher(options: KmsTokenCipherOptions): TokenCipher {
  const { clock, maxDataKeyAgeMs = 30 * 24 * 60 * 60_000, maxSeals = 10_000 } = options;
  const dataKeys = kmsDataKeys(options);

  const newSealingKey = async (key: ConnectionKey): Promise<SealingKey> => {
    const generatedAtSeconds = Math.floor(clock.nowMs() / 1000);
    return { dataKey: await dataKeys.generate(key), generatedAtSeconds };
  };
  const isSpent = ({ edk, edk_at }: Header, key: ConnectionKey): boolean =>
    clock.nowMs() - edk_at * 1000 >= maxDataKeyAgeMs || dataKeys.seals(edk, key) >= maxSeals;

  return {
    async open(sealed, key) {
      const header = readHeader(sealed, key);
      const [dataKey, successor] = await Promise.all([
        dataKeys.unwrap(header.edk, key),
        isSpent(header, key) ? newSealingKey(key) : undefined,
      ]);
      const tokens = await decrypt(sealed, dataKey);
      const sealingKey = successor ?? { dataKey, generatedAtSeconds: header.edk_at };
      return { tokens, seal: (next) => encrypt(next, key, sealingKey) };
    },
    seal: async (tokens, key) => encrypt(tokens, key, await newSealingKey(key)),
  };
}

async function encrypt(
  tokens: TokenSet,
  { workspaceId, connectionId }: ConnectionKey,
  { dataKey, generatedAtSeconds }: SealingKey,
): Promise<SealedTokenSet> {
  dataKey.seals += 1;
  const header = {
    alg,
    enc,
    workspace_id: workspaceId,
    connection_id: connectionId,
    edk: dataKey.edk,
    edk_at: generatedAtSeconds,
  } satisfies Header;
  const jwe = await new CompactEncrypt(new TextEncoder().encode(tokenSetJson(tokens)))
    .setProtectedHeader({ ...header })
    .encrypt(dataKey.cryptoKey);
  return jwe as SealedTokenSet;
}

async function decrypt(sealed: SealedTokenSet, { cryptoKey }: DataKey): Promise<TokenSet> {
  const { plaintext } = await compactDecrypt(sealed, cryptoKey, {
    keyManagementAlgorithms: [alg],
    contentEncryptionAlgorithms: [enc],
  }).catch((error: unknown) => {
    throw new UnreadableCredentials("the ciphertext is damaged", error);
  });
  try {
    return parseTokenSet(new TextDecoder().decode(plaintext));
  } catch (error) {
    throw new UnreadableCredentials("the plaintext is not a token set", error);
  }
}

/**
 * A header that cannot be this connection's is refused before KMS is asked. The rest of the header is authenticated
 * with the ciphertext.
 * @throws {UnreadableCredentials} naming every member at fault
 */
function readHeader(sealed: SealedTokenSet, { workspaceId, connectionId }: ConnectionKey): Header {
  const headerCheck = object({
    alg: oneOf([alg]),
    enc: oneOf([enc]),
    workspace_id: oneOf([workspaceId]),
    connection_id: oneOf([connectionId]),
    edk: matching(/^[A-Za-z0-9_-]+$/, "base64url"),
    edk_at: integer(1, Number.MAX_SAFE_INTEGER, "epoch seconds"),
  });
  return validated(
    headerCheck,
    decodeHeader(sealed),
    (faults) => new UnreadableCredentials(faultsText(faults)),
  );
}

function decodeHeader(sealed: SealedTokenSet): unknown {
  try {
    if (sealed.split(".").length === 5) return decodeProtectedHeader(sealed);
  } catch {
    // The error below says it.
  }
  throw new UnreadableCredentials("not a compact JWE");
}
