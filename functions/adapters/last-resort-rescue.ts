import type { Journal, RescueQueue } from "../domain/ports.ts";

/** Keeps token sets in the log, as ciphertext, where `admin rescue` finds them. */
export const lastResortRescue = ({ journal }: { readonly journal: Journal }): RescueQueue => ({
  async keep(commit) {
    const { connectionId, workspaceId } = commit;
    journal.record({ code: "commit.last_resort", connectionId, workspaceId, commit });
  },
});
