import type {
  Connection,
  ConnectionKey,
  SealedTokenSet,
} from "../../functions/domain/model/connection.ts";
import type { Due } from "../../functions/domain/ports/connection-store.ts";
import type {
  ConnectionEntries,
  ConnectionEntry,
} from "../../test/support/connection-store-rules.ts";
import { connectionOf, type DueCalendar, fleetKey } from "./due-calendar.ts";
import type { Integration } from "./integrations.ts";
import { tokenLifetimeMs } from "./providers.ts";
import { secondMs } from "./units.ts";

const sealed = "sealed" as SealedTokenSet;

export interface FleetEntriesOptions {
  readonly size: number;
  readonly calendar: DueCalendar;
  readonly integrationOf: (connection: number) => Integration;
  /** Moves a connection in the schedule, or removes it. */
  readonly reschedule: (connection: number, due: Due | undefined) => void;
}

/**
 * The stored connections. A connection in its steady state, which is refreshed and has neither lease nor
 * failure, is derived from the calendar's typed arrays; any other one is an object.
 */
export class FleetEntries implements ConnectionEntries {
  readonly #options: FleetEntriesOptions;
  readonly #objects = new Map<number, Connection>();

  constructor(options: FleetEntriesOptions) {
    this.#options = options;
    this.find = this.find.bind(this);
    this.put = this.put.bind(this);
  }

  /** Returns true if the connection has no lease and no failure, and is active. */
  isSteady(connection: number): boolean {
    return !this.#objects.has(connection);
  }

  find(key: ConnectionKey): ConnectionEntry | undefined {
    const { size, calendar } = this.#options;
    const number = connectionOf(key.connectionId);
    if (!(number < size) || !calendar.isStored(number)) return undefined;
    const stored = this.#objects.get(number) ?? this.#steady(number);
    if (stored.workspaceId !== key.workspaceId) return undefined;
    const due = calendar.dueOf(number);
    return { connection: { ...stored, refreshAtMs: due?.refreshAtMs }, due };
  }

  put(connection: Connection, due: Due | undefined): void {
    const { calendar, reschedule } = this.#options;
    const number = connectionOf(connection.connectionId);
    calendar.setExpiresAtMs(number, connection.expiresAtMs ?? 0);
    const former = calendar.dueOf(number);
    if (due?.refreshAtMs !== former?.refreshAtMs || due?.refreshShard !== former?.refreshShard) {
      reschedule(number, due);
    }
    if (isSame(connection, this.#steady(number))) this.#objects.delete(number);
    else this.#objects.set(number, connection);
  }

  /**
   * The provider grants every token set for {@link tokenLifetimeMs}, so its end gives the time of the last
   * refresh. That time is the version too, as the domain's `nextVersion` defines it.
   */
  #steady(number: number): Connection {
    const { calendar, integrationOf } = this.#options;
    const { name, registration } = integrationOf(number);
    const expiresAtMs = calendar.expiresAtMs(number);
    const lastRefreshedAtMs = expiresAtMs - tokenLifetimeMs;
    return {
      ...fleetKey(number),
      ...{ integration: name, registrationName: registration.name, status: "active", config: {} },
      credentials: sealed,
      credentialsVersion: Math.max(1, lastRefreshedAtMs),
      expiresAtMs,
      assumedExpiresAtMs: undefined,
      refreshTokenExpiresAtMs: undefined,
      refreshTokenAbsoluteExpiresAtMs: undefined,
      lease: undefined,
      takeOver: undefined,
      lastRefreshedAtMs,
      lastForcedAtMs: undefined,
      refreshAtMs: undefined,
      failure: undefined,
    };
  }
}

/** Compares instants to the second: expiries are stored so. Configurations are not compared. */
const isSame = (one: Connection, steady: Connection): boolean =>
  one.lease === undefined &&
  one.failure === undefined &&
  one.takeOver === undefined &&
  one.status === steady.status &&
  one.workspaceId === steady.workspaceId &&
  one.registrationName === steady.registrationName &&
  one.credentials === steady.credentials &&
  one.assumedExpiresAtMs === undefined &&
  one.refreshTokenExpiresAtMs === undefined &&
  one.refreshTokenAbsoluteExpiresAtMs === undefined &&
  one.lastForcedAtMs === undefined &&
  isSameSecond(one.credentialsVersion, steady.credentialsVersion) &&
  isSameSecond(one.lastRefreshedAtMs ?? 0, steady.lastRefreshedAtMs ?? 0);

const isSameSecond = (oneMs: number, otherMs: number): boolean =>
  Math.floor(oneMs / secondMs) === Math.floor(otherMs / secondMs);
