import type { ConnectionKey, SealedTokenSet, TokenSet } from "../model/connection.ts";
import type { TokenBinding } from "../model/token-binding.ts";

/** Encryption of token sets, each bound to its place. */
export interface TokenCipher {
  /**
   * Decrypts a token set and obtains the key for the next one: `seal` needs no network, so that nothing but one
   * write stands between a token response and its safety.
   * @throws {StoreUnavailable} the key service does not respond
   * @throws {UnreadableCredentials} not the token set of this place
   */
  open(sealed: SealedTokenSet, place: TokenSetPlace): Promise<OpenedTokenSet>;
  /**
   * Resolves where `open` would, and obtains no key for a next token set.
   * @throws {StoreUnavailable} the key service does not respond
   * @throws {UnreadableCredentials} not the token set of this place
   */
  verify(sealed: SealedTokenSet, place: TokenSetPlace): Promise<void>;
  /** Encrypts a first token set. @throws {StoreUnavailable} */
  seal(
    tokens: TokenSet,
    place: TokenSetPlace,
    binding: TokenBinding | undefined,
  ): Promise<SealedTokenSet>;
}

/** The only place in which a ciphertext opens. */
export interface TokenSetPlace extends ConnectionKey {
  /** `credentialsVersion` of the connection that holds it. */
  readonly version: number;
}

export interface SealTerms {
  readonly version: number;
  readonly binding: TokenBinding | undefined;
}

export interface OpenedTokenSet {
  readonly tokens: TokenSet;
  /** Undefined: it was sealed before token sets were bound. */
  readonly binding: TokenBinding | undefined;
  /** Encrypts the next token set of the same connection. */
  seal(tokens: TokenSet, terms: SealTerms): Promise<SealedTokenSet>;
}

/** The ciphertext is damaged, or belongs in another place. */
export class UnreadableCredentials extends Error {
  constructor(reason: string, cause?: unknown) {
    super(`the stored credentials cannot be decrypted: ${reason}`, { cause });
    this.name = "UnreadableCredentials";
  }
}
