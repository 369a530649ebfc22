import { webcrypto } from "node:crypto";
import { DecryptCommand, GenerateDataKeyCommand, type KMSClient } from "@aws-sdk/client-kms";
import type { ConnectionKey } from "../../domain/model/connection.ts";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import { UnreadableCredentials } from "../../domain/ports/token-cipher.ts";
import { lruMap } from "../cache/lru-map.ts";

export interface KmsDataKeysOptions {
  readonly client: KMSClient;
  /** Id, ARN or alias of a symmetric key. */
  readonly keyId: string;
  readonly clock: Pick<Clock, "nowMs">;
  /** How long an opened data key serves before KMS is asked for it again. @default 300000, five minutes */
  readonly cacheMaxAgeMs?: number;
  /** Data keys kept, the one used longest ago making room. @default 1000 */
  readonly cacheMaximumEntries?: number;
}

/** A 256-bit key for the token sets of one connection. */
export interface DataKey {
  /** AES-GCM, not extractable. */
  readonly cryptoKey: webcrypto.CryptoKey;
  /** The same key as KMS wrapped it: base64url of `CiphertextBlob`. */
  readonly edk: string;
  /** How often this process has sealed with it. */
  seals: number;
}

export interface KmsDataKeys {
  /** @throws {StoreUnavailable} */
  generate(key: ConnectionKey): Promise<DataKey>;
  /**
   * @throws {StoreUnavailable}
   * @throws {UnreadableCredentials} `edk` is not what KMS wrapped for this connection
   */
  unwrap(edk: string, key: ConnectionKey): Promise<DataKey>;
  /** As far as the cache remembers. */
  seals(edk: string, key: ConnectionKey): number;
}

interface CacheEntry {
  readonly dataKey: Promise<DataKey>;
  /** Undefined until KMS has answered. */
  opened: DataKey | undefined;
  readonly expiresAtMs: number;
}

/**
 * Data keys from KMS, each bound to its connection by the encryption context
 * `{workspace_id, connection_id}`, which CloudTrail shows and a key policy can demand.
 *
 * Opened keys are cached as `CryptoKey`s, which give their bytes to nobody; the bytes that KMS sent
 * are zeroed at once, and a key that leaves the cache is only a reference dropped, so that who still
 * has to seal with it can.
 */
export function kmsDataKeys(options: KmsDataKeysOptions): KmsDataKeys {
  const { clock, cacheMaxAgeMs = 300_000, cacheMaximumEntries = 1_000 } = options;
  const cache = lruMap<string, CacheEntry>(cacheMaximumEntries);

  const remember = (name: string, dataKey: Promise<DataKey>): void => {
    const expiresAtMs = clock.nowMs() + cacheMaxAgeMs;
    const entry: CacheEntry = { dataKey, opened: undefined, expiresAtMs };
    cache.set(name, entry);
    dataKey.then(
      (opened) => {
        entry.opened = opened;
      },
      () => {
        if (cache.get(name) === entry) cache.delete(name);
      },
    );
  };
  const cached = (name: string): CacheEntry | undefined => {
    const entry = cache.get(name);
    if (entry === undefined || entry.expiresAtMs > clock.nowMs()) return entry;
    cache.delete(name);
    return undefined;
  };

  return {
    async generate(key) {
      const dataKey = await generateDataKey(options, key);
      remember(cacheName(dataKey.edk, key), Promise.resolve(dataKey));
      return dataKey;
    },
    unwrap(edk, key) {
      const name = cacheName(edk, key);
      const entry = cached(name);
      if (entry !== undefined) return entry.dataKey;
      const dataKey = decryptDataKey(options, edk, key);
      remember(name, dataKey);
      return dataKey;
    },
    seals: (edk, key) => cached(cacheName(edk, key))?.opened?.seals ?? 0,
  };
}

/** The connection is part of the name: a cached key opens nothing that KMS would not have opened. */
const cacheName = (edk: string, { workspaceId, connectionId }: ConnectionKey): string =>
  `${workspaceId}/${connectionId}/${edk}`;

const encryptionContext = ({ workspaceId, connectionId }: ConnectionKey) => ({
  workspace_id: workspaceId,
  connection_id: connectionId,
});

async function generateDataKey(
  { client, keyId }: KmsDataKeysOptions,
  key: ConnectionKey,
): Promise<DataKey> {
  const answer = await client
    .send(
      new GenerateDataKeyCommand({
        KeyId: keyId,
        KeySpec: "AES_256",
        EncryptionContext: encryptionContext(key),
      }),
    )
    .catch((error: unknown) => {
      throw new StoreUnavailable("KMS", error);
    });
  const { CiphertextBlob: wrapped = new Uint8Array() } = answer;
  return dataKeyOf(answer.Plaintext, Buffer.from(wrapped).toString("base64url"));
}

async function decryptDataKey(
  { client, keyId }: KmsDataKeysOptions,
  edk: string,
  key: ConnectionKey,
): Promise<DataKey> {
  const answer = await client
    .send(
      new DecryptCommand({
        KeyId: keyId,
        CiphertextBlob: Buffer.from(edk, "base64url"),
        EncryptionContext: encryptionContext(key),
      }),
    )
    .catch((error: unknown) => {
      throw asDecryptError(error);
    });
  return dataKeyOf(answer.Plaintext, edk);
}

/**
 * A key that is disabled, pending deletion or out of this role's reach counts as unavailable: it says
 * nothing of the connection, and an operator can undo it.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors
 */
function asDecryptError(error: unknown): StoreUnavailable | UnreadableCredentials {
  const name = error instanceof Error ? error.name : undefined;
  if (name === "InvalidCiphertextException") {
    return new UnreadableCredentials("edk is damaged, or another connection's", error);
  }
  if (name === "IncorrectKeyException") {
    return new UnreadableCredentials("edk is wrapped by another KMS key than KMS_KEY_ID", error);
  }
  return new StoreUnavailable("KMS", error);
}

async function dataKeyOf(plaintext: Uint8Array | undefined, edk: string): Promise<DataKey> {
  if (plaintext?.byteLength !== 32 || edk === "") {
    throw new StoreUnavailable("KMS", new TypeError("the answer holds no 256-bit data key"));
  }
  const cryptoKey = await webcrypto.subtle.importKey("raw", plaintext, "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
  plaintext.fill(0);
  return { cryptoKey, edk, seals: 0 };
}
