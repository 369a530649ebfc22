import type { TokenBinding } from "../model/token-binding.ts";

/** Where the tokens of one client and origin are sent instead. Undefined members stay as they are. */
export interface Successor extends Pick<TokenBinding, "clientId" | "origin"> {
  readonly path: string | undefined;
}

/** An operator's permissions to send tokens to another client or endpoint than the one that issued them. */
export interface Rebinds {
  /**
   * Undefined: no operator has given a permission.
   * @throws {StoreUnavailable}
   */
  successorOf(from: Pick<TokenBinding, "clientId" | "origin">): Promise<Successor | undefined>;
}
