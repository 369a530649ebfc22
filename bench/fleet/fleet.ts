import type {
  Connection,
  ConnectionKey,
  ConnectionStatus,
  Failure,
  RegistrationName,
  SealedTokenSet,
} from "../../functions/domain/model/connection.ts";
import type {
  ConnectionStore,
  Due,
  Rescheduling,
  WriteResult,
} from "../../functions/domain/ports/connection-store.ts";
import type { DueConnection } from "../../functions/domain/ports/schedule.ts";
import { nextDue, type ScheduleSettings } from "../../functions/domain/schedule/due.ts";
import { connectionIdOf, connectionOf, DueCalendar, FleetDue } from "./due-calendar.ts";
import type { Integration } from "./integrations.ts";
import type { Observations } from "./observations.ts";
import { tokenLifetimeMs } from "./providers.ts";
import type { Random } from "./random.ts";
import { secondsPerHour } from "./units.ts";

/** Requests to the connections' table, as the real store would send them. */
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

const sealed = "sealed" as SealedTokenSet;
const done: WriteResult = { kind: "done" };
/** Beyond the end, so that what is due later than that has a place. */
const spareHours = 2;
/** A power of two: of so many, the first one's integration is looked up, and the others' is near it. */
const connectionsPerBlock = 64;

/** Some millions of connections in typed arrays, which to the domain are a {@link ConnectionStore}. */
export class Fleet {
  readonly integrations: readonly Integration[];
  readonly calendar: DueCalendar;
  readonly requests: StoreRequests = {
    ...{ read: 0, acquire: 0, commit: 0, recordFailure: 0, postpone: 0 },
  };
  readonly store: ConnectionStore;
  readonly size: number;
  readonly #options: FleetOptions;
  /** The integration of the first of each block of connections. */
  readonly #blocks: Uint16Array;
  /** By integration: the first connection of the next one. */
  readonly #ends: Int32Array;
  readonly #byName: ReadonlyMap<RegistrationName, Integration>;
  readonly #failures = new Map<number, Failure>();
  readonly #statuses = new Map<number, ConnectionStatus>();

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

  /** As a message says it. */
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

  /** As if it had been refreshed at some time before, which each connection has a time of its own for. */
  begin(connection: number): void {
    const due = this.#nextDue(connection, tokenLifetimeMs, 0);
    if (due === undefined) return;
    const elapsedMs = due.refreshAtMs * this.#options.random();
    this.calendar.setExpiresAtMs(connection, tokenLifetimeMs - elapsedMs);
    this.#schedule(connection, { ...due, refreshAtMs: due.refreshAtMs - elapsedMs });
  }

  /** With a token that begins now. */
  import(connection: number, nowMs: number): void {
    this.calendar.setExpiresAtMs(connection, nowMs + tokenLifetimeMs);
    this.#schedule(connection, this.#nextDue(connection, nowMs + tokenLifetimeMs, nowMs));
  }

  /** What the real worker's three requests and {@link nextDue} come to, where nothing goes wrong. */
  refresh(connection: number, nowMs: number): void {
    this.requests.read++;
    this.requests.acquire++;
    const expiresAtMs = nowMs + tokenLifetimeMs;
    this.#commit(connection, expiresAtMs, this.#nextDue(connection, expiresAtMs, nowMs), nowMs);
  }

  #commit(
    connection: number,
    expiresAtMs: number | undefined,
    due: Due | undefined,
    nowMs: number,
  ): void {
    const { observations } = this.#options;
    const dueMs = this.calendar.refreshAtMs(connection) ?? nowMs;
    const { behaviour } = this.integrationOf(connection);
    this.requests.commit++;
    observations.refreshedAt(behaviour, dueMs, this.calendar.expiresAtMs(connection), nowMs);
    this.calendar.setExpiresAtMs(connection, expiresAtMs ?? 0);
    if (this.#failures.size > 0) this.#failures.delete(connection);
    this.#schedule(connection, due);
    observations.indexWritten(this.calendar.shardOf(connection));
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
    this.calendar.place(connection, due);
    this.#options.observations.fellDue(due.refreshAtMs);
  }

  #reschedule(connection: number, schedule: Rescheduling): void {
    if (schedule === "unchanged") return;
    const shard = this.calendar.shardOf(connection);
    this.#schedule(connection, schedule === "removed" ? undefined : schedule);
    this.#options.observations.indexWritten(shard);
  }

  #connection({ connectionId, workspaceId }: ConnectionKey): Connection {
    const connection = connectionOf(connectionId);
    const { name, registration } = this.integrationOf(connection);
    return {
      ...{ connectionId, workspaceId, integration: name, registrationName: registration.name },
      status: this.#statuses.get(connection) ?? "active",
      config: {},
      credentials: sealed,
      credentialsVersion: 1,
      expiresAtMs: this.calendar.expiresAtMs(connection),
      assumedExpiresAtMs: undefined,
      refreshTokenExpiresAtMs: undefined,
      refreshTokenAbsoluteExpiresAtMs: undefined,
      lease: undefined,
      takeOver: undefined,
      lastRefreshedAtMs: undefined,
      lastForcedAtMs: undefined,
      refreshAtMs: this.calendar.refreshAtMs(connection),
      failure: this.#failures.get(connection),
    };
  }

  /**
   * Each message is worked on to its end before the next one, so no lease is ever met and no version
   * moves: the fences are for other tests.
   */
  #connectionStore(): ConnectionStore {
    const { requests } = this;
    return {
      read: async (key) => {
        requests.read++;
        return this.#connection(key);
      },
      acquireLease: async (request) => {
        requests.acquire++;
        return { kind: "acquired", connection: this.#connection(request) };
      },
      scheduleTakeOver: async () => {},
      commit: async ({ connectionId, expiresAtMs, due, committedAtMs }) => {
        this.#commit(connectionOf(connectionId), expiresAtMs, due, committedAtMs);
        return done;
      },
      recordFailure: async ({ connectionId, failure, schedule, status }) => {
        requests.recordFailure++;
        const connection = connectionOf(connectionId);
        this.#failures.set(connection, failure);
        if (status !== undefined) this.#statuses.set(connection, status);
        this.#reschedule(connection, schedule);
        return done;
      },
      postpone: async ({ connectionId, failure, schedule }) => {
        requests.postpone++;
        const connection = connectionOf(connectionId);
        this.#failures.set(connection, failure);
        this.#reschedule(connection, schedule);
        return done;
      },
      releaseLease: async () => {},
    };
  }
}
