import type { ConnectionKey, SealedTokenSet, TokenSet } from "../model/connection.ts";

/** Encryption of token sets, each bound to its workspace and connection. */
export interface TokenCipher {
  /**
   * Decrypts a token set and, with the same round trip, obtains the data key for the next one: `seal` needs
   * no network, so that nothing but one write stands between a token response and its safety.
   * @throws {StoreUnavailable} the key service does not respond
   * @throws {UnreadableCredentials} not a token set of this connection
   */
  open(sealed: SealedTokenSet, key: ConnectionKey): Promise<OpenedTokenSet>;
  /** Encrypts a first token set. @throws {StoreUnavailable} */
  seal(tokens: TokenSet, key: ConnectionKey): Promise<SealedTokenSet>;
}

export interface OpenedTokenSet {
  readonly tokens: TokenSet;
  seal(tokens: TokenSet): Promise<SealedTokenSet>;
}

/** The ciphertext is damaged, or belongs to another connection. */
export class UnreadableCredentials extends Error {
  constructor(reason: string, cause?: unknown) {
    super(`the stored credentials cannot be decrypted: ${reason}`, { cause });
    this.name = "UnreadableCredentials";
  }
}
