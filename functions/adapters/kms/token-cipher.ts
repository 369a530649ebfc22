import type { webcrypto } from "node:crypto";
import { compactDecrypt } from "jose/jwe/compact/decrypt";
import { CompactEncrypt } from "jose/jwe/compact/encrypt";
import type { SealedTokenSet, TokenSet } from "../../domain/model/connection.ts";
import type { TokenBinding } from "../../domain/model/token-binding.ts";
import {
  type TokenCipher,
  type TokenSetPlace,
  UnreadableCredentials,
} from "../../domain/ports/token-cipher.ts";
import {
  type ContentKeysOptions,
  kmsContentKeys,
  type SealingKey,
  type TokenKeySource,
} from "./content-keys.ts";
import { isPacked, pack } from "./packed-jwe.ts";
import { alg, enc, type Header, readHeader } from "./sealed-header.ts";
import { parseTokenSet, tokenSetJson } from "./token-set-json.ts";

/** 1: a compact JWE, under a data key of the connection's own. 2: a packed JWE, compressed. */
export type TokenFormat = 1 | 2;

export interface KmsTokenCipherOptions extends Omit<ContentKeysOptions, "keySource"> {
  /** The form that is written. Both are read. @default 1 */
  readonly format?: TokenFormat;
  /** The keys of format 2. @default "branch" */
  readonly keySource?: TokenKeySource;
}

export interface KmsTokenCipher extends TokenCipher {
  /**
   * Encrypts a stored token set anew, for the same place, unless that is in the form and under the key that new ones
   * have.
   * @param bind what an unbound one is bound to. Undefined: it stays unbound
   * @returns undefined: it stays as it is
   * @throws {StoreUnavailable}
   * @throws {UnreadableCredentials}
   */
  reseal(
    sealed: SealedTokenSet,
    place: TokenSetPlace,
    bind?: () => Promise<TokenBinding | undefined>,
  ): Promise<SealedTokenSet | undefined>;
}

/**
 * The longest plaintext that is compressed, and the most that decompression may yield. It is the default limit of
 * JOSE libraries.
 */
const maximumCompressedPlaintextBytes = 250_000;

/**
 * Token sets as JWEs (RFC 7516; `dir`, `A256GCM`). Any JOSE library reads them together with kms:Decrypt:
 * docs/reading-a-ciphertext.md.
 */
export function kmsTokenCipher(options: KmsTokenCipherOptions): KmsTokenCipher {
  const { format = 1, keySource = "branch" } = options;
  const contentKeys = kmsContentKeys({
    ...options,
    keySource: format === 1 ? "connection" : keySource,
  });
  return {
    async open(sealed, place) {
      const { jwe, key, binding } = readHeader(sealed, place);
      const [opening, sealing] = await Promise.all([
        contentKeys.opening(key, place),
        contentKeys.sealing(place, key),
      ]);
      const { connectionId, workspaceId } = place;
      return {
        tokens: await decryptTokens(jwe, opening),
        binding,
        seal: (tokens, { version, binding: next }) =>
          encryptTokens(tokens, { connectionId, workspaceId, version }, next, sealing, format),
      };
    },
    async reseal(sealed, place, bind) {
      const { jwe, key, binding } = readHeader(sealed, place);
      const isBound = binding !== undefined || bind === undefined;
      const isForm = isPacked(sealed) === (format === 2);
      if (isBound && isForm && (await contentKeys.isCurrent(key, place))) return undefined;
      const tokens = await decryptTokens(jwe, await contentKeys.opening(key, place));
      const sealing = await contentKeys.sealing(place, key);
      return encryptTokens(tokens, place, binding ?? (await bind?.()), sealing, format);
    },
    async verify(sealed, place) {
      const { jwe, key } = readHeader(sealed, place);
      await decryptTokens(jwe, await contentKeys.opening(key, place));
    },
    seal: async (tokens, place, binding) =>
      encryptTokens(tokens, place, binding, await contentKeys.sealing(place), format),
  };
}

async function encryptTokens(
  tokens: TokenSet,
  place: TokenSetPlace,
  binding: TokenBinding | undefined,
  sealingKey: SealingKey,
  format: TokenFormat,
): Promise<SealedTokenSet> {
  const plaintext = new TextEncoder().encode(tokenSetJson(tokens));
  const { cryptoKey, members } = await sealingKey(place);
  const isCompressed = format === 2 && plaintext.byteLength <= maximumCompressedPlaintextBytes;
  const header: Header = {
    alg,
    enc,
    ...(isCompressed && { zip: "DEF" }),
    ...members,
    workspace_id: place.workspaceId,
    connection_id: place.connectionId,
    version: place.version,
    ...(binding && {
      client_id: binding.clientId,
      token_endpoint: `${binding.origin}${binding.path}`,
    }),
  };
  const jwe = await new CompactEncrypt(plaintext)
    .setProtectedHeader({ ...header })
    .encrypt(cryptoKey);
  return format === 2 ? pack(jwe) : (jwe as SealedTokenSet);
}

async function decryptTokens(jwe: string, key: webcrypto.CryptoKey): Promise<TokenSet> {
  const { plaintext } = await compactDecrypt(jwe, key, {
    keyManagementAlgorithms: [alg],
    contentEncryptionAlgorithms: [enc],
    maxDecompressedLength: maximumCompressedPlaintextBytes,
  }).catch((error: unknown) => {
    throw new UnreadableCredentials("the ciphertext is damaged", error);
  });
  try {
    return parseTokenSet(new TextDecoder().decode(plaintext));
  } catch (error) {
    throw new UnreadableCredentials("the plaintext is not a token set", error);
  }
}
