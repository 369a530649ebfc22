import { randomBytes, timingSafeEqual, type webcrypto } from "node:crypto";
import type { ConnectionKey } from "../../domain/model/connection.ts";
import { type TokenSetPlace, UnreadableCredentials } from "../../domain/ports/token-cipher.ts";
import type { BranchKey, BranchKeys } from "./branch-keys.ts";
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

export interface OpenedKeys {
  readonly opening: webcrypto.CryptoKey;
  /** For the next token set of the same connection. */
  readonly sealing: SealingKey;
}

export interface ContentKeys {
  /**
   * The key that a header names, and the key of the next token set.
   * @throws {StoreUnavailable}
   * @throws {UnreadableCredentials} the key is not this place's
   */
  open(members: KeyMembers, place: TokenSetPlace): Promise<OpenedKeys>;
  /** @throws {StoreUnavailable} */
  create(key: ConnectionKey): Promise<SealingKey>;
}

export function kmsContentKeys(options: ContentKeysOptions): ContentKeys {
  const { clock, branchKeys, keySource } = options;
  const { maxDataKeyAgeMs = 30 * 24 * 60 * 60_000, maxSeals = 10_000 } = options;
  const dataKeys = kmsDataKeys(options);

  const newDataKey = async (key: ConnectionKey): Promise<SealingKey> => {
    const generatedAtSeconds = Math.floor(clock.nowMs() / 1000);
    return sealingWith(await dataKeys.generate(key), generatedAtSeconds);
  };
  const create = async (key: ConnectionKey): Promise<SealingKey> =>
    keySource === "branch"
      ? sealingFrom(await branchKeys.current(key.workspaceId))
      : newDataKey(key);
  const isSpent = ({ isFormer, seals }: DataKey, generatedAtSeconds: number): boolean =>
    isFormer || seals >= maxSeals || clock.nowMs() - generatedAtSeconds * 1000 >= maxDataKeyAgeMs;

  const openDataKey = async (
    { edk, edk_at }: DataKeyMembers,
    place: TokenSetPlace,
  ): Promise<OpenedKeys> => {
    const [dataKey, successor] = await Promise.all([
      dataKeys.unwrap(edk, place),
      keySource === "branch" ? create(place) : undefined,
    ]);
    const own = () => (isSpent(dataKey, edk_at) ? newDataKey(place) : sealingWith(dataKey, edk_at));
    return { opening: dataKey.cryptoKey, sealing: successor ?? (await own()) };
  };
  const openDerivedKey = async (
    members: DerivedKeyMembers,
    place: TokenSetPlace,
  ): Promise<OpenedKeys> => {
    const [branchKey, sealing] = await Promise.all([branchKeys.find(members.kid), create(place)]);
    return { opening: await committedKey(branchKey, members, place), sealing };
  };

  return {
    create,
    open: (members, place) =>
      "kid" in members ? openDerivedKey(members, place) : openDataKey(members, place),
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
