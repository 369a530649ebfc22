import { StoreUnavailable } from "../../domain/model/errors.ts";
import type { RescueQueue } from "../../domain/ports/rescue-queue.ts";

/** For a deployment without a rescue queue: the log holds the record of last resort, and `admin rescue` commits it. */
export const noRescueQueue: RescueQueue = {
  async keep() {
    throw new StoreUnavailable("the rescue queue");
  },
};
