import type { ConnectionKey, SealedTokenSet, TokenSet } from "../model/connection.ts";

/** Encryption of token sets, each bound to its workspace and connection. */
export interface TokenCipher {
  /**
   * Opens a token set and, with the same round trip, obtains the key for the next one: `seal` needs
   * no network, so that nothing but one write stands between a provider's answer and safety.
   * @throws {StoreUnavailable} the key service does not answer
   * @throws {UnreadableCredentials} not a token set of this connection
   */
  open(sealed: SealedTokenSet, key: ConnectionKey): Promise<OpenedTokenSet>;
  /** Seals a first token set. @throws {StoreUnavailable} */
  seal(tokens: TokenSet, key: ConnectionKey): Promise<SealedTokenSet>;
}

export interface OpenedTokenSet {
  readonly tokens: TokenSet;
  seal(tokens: TokenSet): Promise<SealedTokenSet>;
}

/** The ciphertext is damaged, or another connection's. */
export class UnreadableCredentials extends Error {
  constructor(reason: string, cause?: unknown) {
    super(`the stored credentials cannot be opened: ${reason}`, { cause });
    this.name = "UnreadableCredentials";
  }
}
