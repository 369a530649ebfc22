import type { DueIndex, SweepPositions } from "../../functions/domain/ports/schedule.ts";
import { refreshShards } from "../../functions/domain/schedule/due.ts";
import { inMemorySweepPositions } from "../../test/support/in-memory-schedule.ts";
import type { DueCalendar } from "./due-calendar.ts";

/** The number of requests to the index and the coordination table. */
export interface SweepRequests {
  pages: number;
  /** The number of entries that pages and counts read. */
  entries: number;
  counts: number;
  positionReads: number;
  positionWrites: number;
}

/** The index and the positions of the sweep, with their requests counted. */
export class SweepTables {
  readonly requests: SweepRequests = {
    ...{ pages: 0, entries: 0, counts: 0, positionReads: 0, positionWrites: 0 },
  };
  readonly index: DueIndex;
  readonly positions: SweepPositions;
  readonly #calendar: DueCalendar;

  constructor(calendar: DueCalendar) {
    this.#calendar = calendar;
    const { requests } = this;
    this.index = {
      async page(request) {
        const page = await calendar.page(request);
        requests.pages++;
        requests.entries += page.due.length;
        return page;
      },
      async count(refreshShard, throughMs) {
        const count = await calendar.count(refreshShard, throughMs);
        requests.counts++;
        requests.entries += count;
        return count;
      },
    };
    this.positions = countedPositions(requests);
  }

  async dueThrough(nowMs: number): Promise<number> {
    let due = 0;
    for (let shard = 0; shard < refreshShards; shard++) {
      due += await this.#calendar.count(shard, nowMs);
    }
    return due;
  }
}

function countedPositions(requests: SweepRequests): SweepPositions {
  const positions = inMemorySweepPositions();
  const write = <Result>(response: Promise<Result>): Promise<Result> => {
    requests.positionWrites++;
    return response;
  };
  return {
    claim: (...claim) => write(positions.claim(...claim)),
    advance: (...advance) => write(positions.advance(...advance)),
    release: (...release) => write(positions.release(...release)),
    claimCatchUp: (...catchUp) => write(positions.claimCatchUp(...catchUp)),
    position(refreshShard) {
      requests.positionReads++;
      return positions.position(refreshShard);
    },
  };
}
