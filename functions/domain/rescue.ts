import type { Connection } from "./connection.ts";
import type { ConnectionStore, Journal, TokenSetCommit } from "./ports.ts";
import { keyOf } from "./refresh.ts";

export interface RescueDependencies {
  readonly store: Pick<ConnectionStore, "commit">;
  readonly journal: Journal;
}

/**
 * `superseded`: another token set was committed since, and is the newer one. `absent`: the connection
 * is gone, and nobody's to refresh.
 */
export type RescueOutcome = "done" | "superseded" | "absent";

/** @throws {StoreUnavailable} the token set is to be kept for another attempt */
export type RescueTokens = (commit: TokenSetCommit) => Promise<RescueOutcome>;

/**
 * Commits a token set whose commit failed before, under the condition that it had then. What comes
 * twice, or turns out to have been committed after all, is done.
 */
export const rescueTokens =
  ({ store, journal }: RescueDependencies): RescueTokens =>
  async (commit) => {
    const { expectedVersion, credentials } = commit;
    const fenced = await store.commit(commit);
    if (fenced.kind === "absent") {
      journal.record({ code: "rescue.absent", ...keyOf(commit) });
      return "absent";
    }
    if (fenced.kind === "superseded" && !holds(fenced.connection, commit)) {
      journal.record({ code: "rescue.superseded", ...keyOf(commit), expectedVersion, credentials });
      return "superseded";
    }
    journal.record({ code: "rescue.committed", ...keyOf(commit), version: expectedVersion + 1 });
    return "done";
  };

/** A ciphertext is never made twice: its initialisation vector is random. */
const holds = (connection: Connection, { credentials }: TokenSetCommit): boolean =>
  connection.credentials === credentials;
