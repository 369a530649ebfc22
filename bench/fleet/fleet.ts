import type { RegistrationName } from "../../functions/domain/model/connection.ts";
import type { ConnectionStore, Due } from "../../functions/domain/ports/connection-store.ts";
import type { DueConnection } from "../../functions/domain/ports/schedule.ts";
import { nextDue, type ScheduleSettings } from "../../functions/domain/schedule/due.ts";
import { connectionStoreOver } from "../../test/support/connection-store-rules.ts";
import { connectionIdOf, connectionOf, DueCalendar, FleetDue } from "./due-calendar.ts";
import { FleetEntries } from "./fleet-entries.ts";
import type { Integration } from "./integrations.ts";
import type { Observations } from "./observations.ts";
import { tokenLifetimeMs } from "./providers.ts";
import type { Random } from "./random.ts";
import { secondsPerHour } from "./units.ts";

/** The number of requests that the real store would send to the table of connections. */
export interface StoreRequests {
  read: number;
  acquire: number;
  commit: number;
  recordFailure: number;
  postpone: number;
}

export interface FleetOptions {
  readonly integrations: readonly Integration[];
  readonly hours: number;
  readonly observations: Observations;
  readonly random: Random;
  readonly schedule: ScheduleSettings;
}

/** Hours of the calendar after the end of the simulation, for connections that are due later. */
const spareHours = 2;
/** A power of two. Only the integration of each block's first connection is stored; the others are near it. */
const connectionsPerBlock = 64;

/** Millions of connections in typed arrays, with a {@link ConnectionStore} for the domain. */
export class Fleet {
  readonly integrations: readonly Integration[];
  readonly calendar: DueCalendar;
  readonly requests: StoreRequests = {
    ...{ read: 0, acquire: 0, commit: 0, recordFailure: 0, postpone: 0 },
  };
  readonly entries: FleetEntries;
  readonly store: ConnectionStore;
  readonly size: number;
  readonly #options: FleetOptions;
  /** The integration of each block's first connection. */
  readonly #blocks: Uint16Array;
  /** The first connection of the next integration, by integration. */
  readonly #ends: Int32Array;
  readonly #byName: ReadonlyMap<RegistrationName, Integration>;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.integrations = options.integrations;
    this.size = this.integrations.reduce((sum, { connections }) => sum + connections, 0);
    this.#byName = new Map(this.integrations.map((one) => [one.registration.name, one]));
    this.#ends = Int32Array.from(
      this.integrations.map(({ firstConnection, connections }) => firstConnection + connections),
    );
    this.#blocks = new Uint16Array(Math.ceil(this.size / connectionsPerBlock));
    for (const [block] of this.#blocks.entries()) {
      const before = this.#blocks[block - 1] ?? 0;
      this.#blocks[block] = this.#integrationFrom(before, block * connectionsPerBlock);
    }
    const seconds = (options.hours + spareHours) * secondsPerHour;
    this.calendar = new DueCalendar(
      this.size,
      seconds,
      (connection) => this.integrationOf(connection).name,
    );
    this.entries = new FleetEntries({
      ...{ size: this.size, calendar: this.calendar },
      integrationOf: (connection) => this.integrationOf(connection),
      reschedule: (connection, due) => this.#reschedule(connection, due),
    });
    this.store = this.#connectionStore();
  }

  integrationOf(connection: number): Integration {
    return this.integrations[this.integrationNumber(connection)] as Integration;
  }

  integrationNamed(name: RegistrationName): Integration {
    const integration = this.#byName.get(name);
    if (integration === undefined) throw new RangeError("no integration has that registration");
    return integration;
  }

  /** Returns the content of the connection's message. */
  dueOf(connection: number): DueConnection {
    const refreshAtMs = this.calendar.refreshAtMs(connection) ?? 0;
    return new FleetDue(connection, this.integrationOf(connection).name, refreshAtMs);
  }

  integrationNumber(connection: number): number {
    const block = Math.floor(connection / connectionsPerBlock);
    return this.#integrationFrom(this.#blocks[block] as number, connection);
  }

  #integrationFrom(integration: number, connection: number): number {
    let number = integration;
    while (connection >= (this.#ends[number] as number)) number++;
    return number;
  }

  /** Stores a connection that was refreshed at a random time before the simulation. */
  begin(connection: number): void {
    const due = this.#nextDue(connection, tokenLifetimeMs, 0);
    if (due === undefined) return;
    const elapsedMs = due.refreshAtMs * this.#options.random();
    this.calendar.setExpiresAtMs(connection, tokenLifetimeMs - elapsedMs);
    this.#schedule(connection, { ...due, refreshAtMs: due.refreshAtMs - elapsedMs });
  }

  /** Stores a connection with a new token. */
  import(connection: number, nowMs: number): void {
    this.calendar.setExpiresAtMs(connection, nowMs + tokenLifetimeMs);
    this.#schedule(connection, this.#nextDue(connection, nowMs + tokenLifetimeMs, nowMs));
  }

  /**
   * Carries out what the real worker's three requests and {@link nextDue} amount to for a connection in its
   * steady state, where the provider grants.
   */
  refresh(connection: number, nowMs: number): void {
    const expiresAtMs = nowMs + tokenLifetimeMs;
    this.requests.read++;
    this.requests.acquire++;
    this.requests.commit++;
    this.#observeRefresh(connection, nowMs);
    this.calendar.setExpiresAtMs(connection, expiresAtMs);
    this.#reschedule(connection, this.#nextDue(connection, expiresAtMs, nowMs));
  }

  /** Runs before the commit, while the calendar has the expiry of the replaced token. */
  #observeRefresh(connection: number, nowMs: number): void {
    const { behaviour } = this.integrationOf(connection);
    const dueMs = this.calendar.refreshAtMs(connection) ?? nowMs;
    const expiredAtMs = this.calendar.expiresAtMs(connection);
    this.#options.observations.refreshedAt(behaviour, dueMs, expiredAtMs, nowMs);
  }

  #nextDue(connection: number, expiresAtMs: number, nowMs: number): Due | undefined {
    const { random, schedule } = this.#options;
    const { registration } = this.integrationOf(connection);
    const connectionId = connectionIdOf(connection);
    const tokens = { connectionId, expiresAtMs, refreshTokenExpiresAtMs: undefined };
    return nextDue(registration, tokens, nowMs, random(), schedule);
  }

  #schedule(connection: number, due: Due | undefined): void {
    if (due === undefined) {
      this.calendar.remove(connection);
      return;
    }
    this.calendar.put(connection, due);
    this.#options.observations.fellDue(due.refreshAtMs);
  }

  /** Counts the write in the shard that the connection leaves, or else enters. */
  #reschedule(connection: number, due: Due | undefined): void {
    const shard = this.calendar.dueOf(connection)?.refreshShard ?? due?.refreshShard;
    this.#schedule(connection, due);
    if (shard !== undefined) this.#options.observations.indexWritten(shard);
  }

  /** Counts the requests, and observes the commits, of a store with the rules of any other. */
  #connectionStore(): ConnectionStore {
    const { requests } = this;
    const rules = connectionStoreOver(this.entries);
    return {
      ...rules,
      read: (key) => {
        requests.read++;
        return rules.read(key);
      },
      acquireLease: (request) => {
        requests.acquire++;
        return rules.acquireLease(request);
      },
      commit: (commit, committer) => {
        requests.commit++;
        const version = this.entries.find(commit)?.connection.credentialsVersion;
        if (version === commit.expectedVersion && commit.failure === undefined) {
          this.#observeRefresh(connectionOf(commit.connectionId), commit.committedAtMs);
        }
        return rules.commit(commit, committer);
      },
      recordFailure: (record) => {
        requests.recordFailure++;
        return rules.recordFailure(record);
      },
      postpone: (record) => {
        requests.postpone++;
        return rules.postpone(record);
      },
    };
  }
}
