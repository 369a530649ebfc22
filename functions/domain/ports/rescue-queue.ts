import type { TokenSetCommit } from "./connection-store.ts";

/** Takes a token set that could not be committed. Resolves when it is durable there. */
export interface RescueQueue {
  keep(commit: TokenSetCommit): Promise<void>;
}
