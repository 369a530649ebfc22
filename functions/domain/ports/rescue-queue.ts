import type { TokenSetCommit } from "./connection-store.ts";

/** Where a token set goes that could not be committed. Resolves when it is durable there. */
export interface RescueQueue {
  keep(commit: TokenSetCommit): Promise<void>;
}
