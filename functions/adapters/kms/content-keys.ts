import { randomBytes, timingSafeEqual, type webcrypto } from "node:crypto";
import type { ConnectionKey } from "../../domain/model/connection.ts";
import { type TokenSetPlace, UnreadableCredentials } from "../../domain/ports/token-cipher.ts";
import { type BranchKey, type BranchKeys, isWrappedBy } from "./branch-keys.ts";
import { type DataKey, type KmsDataKeysOptions, kmsDataKeys } from "./data-keys.ts";
import { deriveKey, saltBytes } from "./derived-key.ts";
import type { DataKeyMembers, DerivedKeyMembers, KeyMembers } from "./sealed-header.ts";

/** `branch`: derived from the deployment's branch keys. `connection`: a data key of each connection's own. */
export type TokenKeySource = "branch" | "connection";

export interface ContentKeysOptions extends KmsDataKeysOptions {
  readonly branchKeys: BranchKeys;
  readonly keySource: TokenKeySource;
  /** How old a data key may be that still seals. @default 2592000000, thirty days */
  readonly maxDataKeyAgeMs?: number;
  /**
   * How often a process seals with one data key while the key is cached. AES-GCM with random IVs allows 2^32 times in
   * all processes together (NIST SP 800-38D §8.3). @default 10000
   */
  readonly maxSeals?: number;
}

/** The key of one token set, and the members of the header that name it. */
export interface ContentKey {
  readonly cryptoKey: webcrypto.CryptoKey;
  readonly members: KeyMembers;
}

/** Yields the key of a new token set without a request. */
export type SealingKey = (place: TokenSetPlace) => Promise<ContentKey>;

export interface ContentKeys {
  /**
   * The key that the header of a token set names.
   * @throws {StoreUnavailable}
   * @throws {UnreadableCredentials} the key belongs in another place
   */
  opening(members: KeyMembers, place: TokenSetPlace): Promise<webcrypto.CryptoKey>;
  /**
   * The key for the next token set of a connection.
   * @param current the header of the present one, whose data key may serve again
   * @throws {StoreUnavailable}
   * @throws {UnreadableCredentials} the key of the present one belongs in another place
   */
  sealing(key: ConnectionKey, current?: KeyMembers): Promise<SealingKey>;
  /**
   * True: the key of a token set has the source, and the KMS key, that new ones have.
   * @throws {StoreUnavailable}
   * @throws {UnreadableCredentials} the key belongs in another place
   */
  isCurrent(members: KeyMembers, key: ConnectionKey): Promise<boolean>;
}

export function kmsContentKeys(options: ContentKeysOptions): ContentKeys {
  const { clock, branchKeys, keySource } = options;
  const { maxDataKeyAgeMs = 30 * 24 * 60 * 60_000, maxSeals = 10_000 } = options;
  const dataKeys = kmsDataKeys(options);

  const newDataKey = async (key: ConnectionKey): Promise<SealingKey> => {
    const generatedAtSeconds = Math.floor(clock.nowMs() / 1000);
    return sealingWith(await dataKeys.generate(key), generatedAtSeconds);
  };
  const isSpent = ({ isFormer, seals }: DataKey, generatedAtSeconds: number): boolean =>
    isFormer || seals >= maxSeals || clock.nowMs() - generatedAtSeconds * 1000 >= maxDataKeyAgeMs;
  const currentOrNewDataKey = async (
    key: ConnectionKey,
    { edk, edk_at }: DataKeyMembers,
  ): Promise<SealingKey> => {
    const dataKey = await dataKeys.unwrap(edk, key);
    return isSpent(dataKey, edk_at) ? newDataKey(key) : sealingWith(dataKey, edk_at);
  };

  return {
    async opening(members, place) {
      if ("edk" in members) return (await dataKeys.unwrap(members.edk, place)).cryptoKey;
      return committedKey(await branchKeys.find(members.kid), members, place);
    },
    async isCurrent(members, key) {
      if ("kid" in members) {
        return keySource === "branch" && isWrappedBy(members.kid, options.keyId);
      }
      return keySource === "connection" && !(await dataKeys.unwrap(members.edk, key)).isFormer;
    },
    async sealing(key, current) {
      if (keySource === "branch") return sealingFrom(await branchKeys.current(key.workspaceId));
      return current !== undefined && "edk" in current
        ? currentOrNewDataKey(key, current)
        : newDataKey(key);
    },
  };
}

const sealingWith =
  (dataKey: DataKey, generatedAtSeconds: number): SealingKey =>
  async () => {
    dataKey.seals += 1;
    const members = { edk: dataKey.edk, edk_at: generatedAtSeconds };
    return { cryptoKey: dataKey.cryptoKey, members };
  };

const sealingFrom =
  (branchKey: BranchKey): SealingKey =>
  async (place) => {
    const salt = randomBytes(saltBytes);
    const { cryptoKey, commitment } = await deriveKey(branchKey.cryptoKey, salt, place);
    const members = {
      kid: branchKey.id,
      salt: salt.toString("base64url"),
      commitment: commitment.toString("base64url"),
    };
    return { cryptoKey, members };
  };

/** @throws {UnreadableCredentials} the token set was sealed with another key, or for another place */
async function committedKey(
  branchKey: BranchKey,
  { salt, commitment }: DerivedKeyMembers,
  place: TokenSetPlace,
): Promise<webcrypto.CryptoKey> {
  const derived = await deriveKey(branchKey.cryptoKey, Buffer.from(salt, "base64url"), place);
  const stated = Buffer.from(commitment, "base64url");
  const isCommitted =
    stated.length === derived.commitment.length && timingSafeEqual(stated, derived.commitment);
  if (!isCommitted) throw new UnreadableCredentials("commitment is not its key's");
  return derived.cryptoKey;
}
