import { webcrypto } from "node:crypto";
import { GenerateDataKeyCommand } from "@aws-sdk/client-kms";
import type { ConnectionKey } from "../../domain/model/connection.ts";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import { lruMap } from "../cache/lru-map.ts";
import { decrypt, encrypting, type WrappingKeys } from "./decrypt.ts";

export interface KmsDataKeysOptions extends WrappingKeys {
  readonly clock: Pick<Clock, "nowMs">;
  /** How long an opened data key is used before KMS is asked for it again. @default 300000, five minutes */
  readonly cacheMaxAgeMs?: number;
  /** The most data keys in the cache; the least recently used one is evicted. @default 1000 */
  readonly cacheMaximumEntries?: number;
}

/** A 256-bit key for the token sets of one connection. */
export interface DataKey {
  /** AES-GCM, not extractable. */
  readonly cryptoKey: webcrypto.CryptoKey;
  /** The same key as KMS wrapped it: base64url of `CiphertextBlob`. */
  readonly edk: string;
  /** The KMS key that wrapped it wraps no more. */
  readonly isFormer: boolean;
  /** How often this process has sealed with it. */
  seals: number;
}

export interface KmsDataKeys {
  /** @throws {StoreUnavailable} */
  generate(key: ConnectionKey): Promise<DataKey>;
  /**
   * @throws {StoreUnavailable}
   * @throws {UnreadableCredentials} KMS did not wrap `edk` for this connection
   */
  unwrap(edk: string, key: ConnectionKey): Promise<DataKey>;
}

interface CacheEntry {
  readonly dataKey: Promise<DataKey>;
  readonly expiresAtMs: number;
}

/**
 * Data keys from KMS, each bound to its connection by the encryption context `{workspace_id, connection_id}`, which
 * CloudTrail shows and a key policy can require.
 *
 * Opened keys are cached as `CryptoKey`s, which do not reveal their bytes, and the bytes that KMS sent are zeroed at
 * once. A key that leaves the cache still serves a caller that holds it.
 */
export function kmsDataKeys(options: KmsDataKeysOptions): KmsDataKeys {
  const { clock, cacheMaxAgeMs = 300_000, cacheMaximumEntries = 1_000 } = options;
  const cache = lruMap<string, CacheEntry>(cacheMaximumEntries);

  const remember = (name: string, dataKey: Promise<DataKey>): void => {
    const entry = { dataKey, expiresAtMs: clock.nowMs() + cacheMaxAgeMs };
    cache.set(name, entry);
    dataKey.catch(() => {
      if (cache.get(name) === entry) cache.delete(name);
    });
  };

  return {
    async generate(key) {
      const dataKey = await generateDataKey(options, key);
      remember(cacheName(dataKey.edk, key), Promise.resolve(dataKey));
      return dataKey;
    },
    unwrap(edk, key) {
      const name = cacheName(edk, key);
      const entry = cache.get(name);
      if (entry !== undefined && entry.expiresAtMs > clock.nowMs()) return entry.dataKey;
      const dataKey = unwrapDataKey(options, edk, key);
      remember(name, dataKey);
      return dataKey;
    },
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
  const command = new GenerateDataKeyCommand({
    KeyId: keyId,
    KeySpec: "AES_256",
    EncryptionContext: encryptionContext(key),
  });
  const { Plaintext, CiphertextBlob = new Uint8Array() } = await encrypting(() =>
    client.send(command),
  );
  return dataKeyOf(Plaintext, Buffer.from(CiphertextBlob).toString("base64url"), false);
}

async function unwrapDataKey(
  options: KmsDataKeysOptions,
  edk: string,
  key: ConnectionKey,
): Promise<DataKey> {
  const wrapped = { name: "edk", blob: Buffer.from(edk, "base64url") };
  const { plaintext, isFormer } = await decrypt(options, wrapped, encryptionContext(key));
  return dataKeyOf(plaintext, edk, isFormer);
}

async function dataKeyOf(
  plaintext: Uint8Array | undefined,
  edk: string,
  isFormer: boolean,
): Promise<DataKey> {
  if (plaintext?.byteLength !== 32 || edk === "") {
    throw new StoreUnavailable("KMS", new TypeError("the response holds no 256-bit data key"));
  }
  const cryptoKey = await webcrypto.subtle.importKey("raw", plaintext, "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
  plaintext.fill(0);
  return { cryptoKey, edk, isFormer, seals: 0 };
}
