import type {
  ConnectionId,
  ConnectionKey,
  WorkspaceId,
} from "../../functions/domain/model/connection.ts";
import type { Due } from "../../functions/domain/ports/connection-store.ts";
import type {
  DueConnection,
  DueIndex,
  DuePage,
  DuePageRequest,
} from "../../functions/domain/ports/schedule.ts";
import { refreshShards } from "../../functions/domain/schedule/due.ts";
import { secondMs } from "./units.ts";

const none = -1;
const row = 4;
const [first, last, count] = [0, 1, 2] as const;
const [list, next, previous, tokenEnd] = [0, 1, 2, 3] as const;
const idPrefix = "conn_";
const workspaceId = "wsp_fleet" as WorkspaceId;

export const connectionIdOf = (connection: number): ConnectionId =>
  `${idPrefix}${connection}` as ConnectionId;
export const connectionOf = (connectionId: string): number =>
  Number(connectionId.slice(idPrefix.length));
export const fleetKey = (connection: number): ConnectionKey => ({
  connectionId: connectionIdOf(connection),
  workspaceId,
});

/** An entry of the index, with the number of its connection. */
export class FleetDue implements DueConnection {
  readonly connection: number;
  readonly integration: string;
  readonly refreshAtMs: number;

  constructor(connection: number, integration: string, refreshAtMs: number) {
    this.connection = connection;
    this.integration = integration;
    this.refreshAtMs = refreshAtMs;
  }

  get connectionId(): ConnectionId {
    return connectionIdOf(this.connection);
  }

  get workspaceId(): WorkspaceId {
    return workspaceId;
  }
}

/**
 * The index `due` in memory: a list of the due connections for each shard and second. A page ends at the
 * end of a second, unless that second alone has more connections than a page.
 */
export class DueCalendar implements DueIndex {
  readonly #seconds: number;
  readonly #integrationOf: (connection: number) => string;
  /** The first and last connection and the count of each list, in rows of four for memory locality. */
  readonly #lists: Int32Array;
  /** The list of each connection, its neighbours there and its token's expiry, in rows of four. */
  readonly #entries: Int32Array;
  /** The first second with a due connection, or an earlier one, by shard. */
  readonly #oldest = new Int32Array(refreshShards);

  /** @param seconds the length of the calendar; a connection due later is in the last second */
  constructor(connections: number, seconds: number, integrationOf: (connection: number) => string) {
    this.#seconds = seconds;
    this.#integrationOf = integrationOf;
    this.#lists = new Int32Array(row * refreshShards * seconds).fill(none);
    for (let i = count; i < this.#lists.length; i += row) this.#lists[i] = 0;
    this.#entries = new Int32Array(row * connections).fill(none);
  }

  /** Returns false for a connection that is not imported yet. */
  isStored(connection: number): boolean {
    return at(this.#entries, connection * row + tokenEnd) !== none;
  }

  /** The access token's expiry. It is in the row of the entry because both are read together. 0: unknown. */
  expiresAtMs(connection: number): number {
    return at(this.#entries, connection * row + tokenEnd);
  }

  setExpiresAtMs(connection: number, expiresAtMs: number): void {
    this.#entries[connection * row + tokenEnd] = expiresAtMs;
  }

  /** Undefined: the connection is not in the index. */
  refreshAtMs(connection: number): number | undefined {
    const listIndex = at(this.#entries, connection * row + list);
    return listIndex === none ? undefined : (listIndex % this.#seconds) * secondMs;
  }

  isDue(connection: number, nowMs: number): boolean {
    const listIndex = at(this.#entries, connection * row + list);
    return listIndex !== none && (listIndex % this.#seconds) * secondMs <= nowMs;
  }

  /** Undefined: the connection is not in the index. */
  dueOf(connection: number): Due | undefined {
    const refreshAtMs = this.refreshAtMs(connection);
    return refreshAtMs === undefined
      ? undefined
      : { refreshShard: this.shardOf(connection), refreshAtMs };
  }

  shardOf(connection: number): number {
    return Math.floor(at(this.#entries, connection * row + list) / this.#seconds);
  }

  put(connection: number, { refreshShard, refreshAtMs }: Due): void {
    this.remove(connection);
    const second = Math.min(Math.floor(refreshAtMs / secondMs), this.#seconds - 1);
    const listIndex = refreshShard * this.#seconds + second;
    const entry = connection * row;
    const listRow = listIndex * row;
    const tail = at(this.#lists, listRow + last);
    this.#entries[entry + list] = listIndex;
    this.#entries[entry + next] = none;
    this.#entries[entry + previous] = tail;
    if (tail === none) this.#lists[listRow + first] = connection;
    else this.#entries[tail * row + next] = connection;
    this.#lists[listRow + last] = connection;
    this.#lists[listRow + count] = at(this.#lists, listRow + count) + 1;
  }

  remove(connection: number): void {
    const entry = connection * row;
    const listIndex = at(this.#entries, entry + list);
    if (listIndex === none) return;
    const listRow = listIndex * row;
    const after = at(this.#entries, entry + next);
    const before = at(this.#entries, entry + previous);
    if (before === none) this.#lists[listRow + first] = after;
    else this.#entries[before * row + next] = after;
    if (after === none) this.#lists[listRow + last] = before;
    else this.#entries[after * row + previous] = before;
    this.#lists[listRow + count] = at(this.#lists, listRow + count) - 1;
    this.#entries[entry + list] = none;
  }

  async page({ refreshShard, after, throughMs, limit }: DuePageRequest): Promise<DuePage> {
    const due: FleetDue[] = [];
    const offset = refreshShard * this.#seconds;
    const through = Math.min(Math.floor(throughMs / secondMs), this.#seconds - 1);
    let second = this.#secondAfter(refreshShard, after, through);
    let connection = this.#connectionAfter(offset, after);
    if (connection === none) connection = this.#firstOf(offset + second);
    for (; second <= through; connection = this.#firstOf(offset + ++second)) {
      const isFull = due.length > 0 && due.length + this.#countOf(offset + second) > limit;
      if (isFull) return { due, next: due.at(-1) };
      for (; connection !== none; connection = at(this.#entries, connection * row + next)) {
        if (due.length === limit) return { due, next: due.at(-1) };
        due.push(new FleetDue(connection, this.#integrationOf(connection), second * secondMs));
      }
    }
    return { due, next: undefined };
  }

  async count(refreshShard: number, throughMs: number): Promise<number> {
    const through = Math.floor(throughMs / secondMs);
    const offset = refreshShard * this.#seconds;
    let total = 0;
    for (let second = this.#oldestSecond(refreshShard, through); second <= through; second++) {
      total += this.#countOf(offset + second);
    }
    return total;
  }

  #firstOf(listIndex: number): number {
    return at(this.#lists, listIndex * row + first);
  }

  #countOf(listIndex: number): number {
    return at(this.#lists, listIndex * row + count);
  }

  /** No connection is scheduled for a past time, so an empty second in the past stays empty. */
  #oldestSecond(refreshShard: number, through: number): number {
    const offset = refreshShard * this.#seconds;
    let oldest = at(this.#oldest, refreshShard);
    while (oldest < through && this.#countOf(offset + oldest) === 0) oldest++;
    this.#oldest[refreshShard] = oldest;
    return oldest;
  }

  #secondAfter(refreshShard: number, after: DuePageRequest["after"], through: number): number {
    if (after === undefined) return this.#oldestSecond(refreshShard, through);
    const second = after.refreshAtMs / secondMs;
    return this.#connectionAfter(refreshShard * this.#seconds, after) === none
      ? second + 1
      : second;
  }

  /** Returns the next connection of the second in which the last page ended. */
  #connectionAfter(offset: number, after: DuePageRequest["after"]): number {
    if (after?.connectionId === undefined) return none;
    const connection = connectionOf(after.connectionId);
    const isThere =
      at(this.#entries, connection * row + list) === offset + after.refreshAtMs / secondMs;
    return isThere ? at(this.#entries, connection * row + next) : none;
  }
}

const at = (numbers: Int32Array, index: number): number => numbers[index] as number;
