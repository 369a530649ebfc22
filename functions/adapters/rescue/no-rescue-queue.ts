import { StoreUnavailable } from "../../domain/model/errors.ts";
import type { RescueQueue } from "../../domain/ports/rescue-queue.ts";

/** Where no queue is deployed: the log is the record of last resort, and `admin rescue` commits it from there. */
export const noRescueQueue: RescueQueue = {
  async keep() {
    throw new StoreUnavailable("the rescue queue");
  },
};
