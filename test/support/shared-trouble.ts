import { isOpen } from "../../functions/domain/integration/agreement.ts";
import { mostFailing } from "../../functions/domain/integration/hold-duration.ts";
import type { RegistrationName } from "../../functions/domain/model/connection.ts";
import {
  type HoldReason,
  type IntegrationHold,
  type IntegrationTrouble,
  isSameScope,
  noTrouble,
  type TroubleWindow,
} from "../../functions/domain/model/integration-hold.ts";
import type { Clock } from "../../functions/domain/ports/clock.ts";
import type {
  Evidence,
  IntegrationHolds,
  SharedFailure,
  TroubleEvidence,
} from "../../functions/domain/ports/integration.ts";

export interface TroubleView {
  readonly holds: IntegrationHolds;
  readonly evidence: TroubleEvidence;
}

interface WindowRecord {
  readonly failures: SharedFailure[];
  refused: number;
  succeeded: number;
}

/**
 * The trouble of all registrations, as the coordination table has it, and what each process knows of it. The same
 * rules as the deployed adapters, without a table.
 */
export class SharedTrouble {
  readonly #clock: Pick<Clock, "nowMs">;
  /** How old a process's knowledge may be. */
  readonly #maxAgeMs: number;
  readonly #stored = new Map<RegistrationName, IntegrationTrouble>();
  readonly #changed = new Map<RegistrationName, { atMs: number; former: IntegrationTrouble }>();
  readonly #windows = new Map<string, WindowRecord>();
  /** Requests to the table that change something. */
  writes = 0;

  constructor(clock: Pick<Clock, "nowMs">, maxAgeMs = 0) {
    this.#clock = clock;
    this.#maxAgeMs = maxAgeMs;
  }

  stored(name: RegistrationName): IntegrationTrouble {
    return this.#stored.get(name) ?? noTrouble;
  }

  /** In a simulation the last change may be ahead of the process that reads. */
  #readable(name: RegistrationName): IntegrationTrouble {
    const changed = this.#changed.get(name);
    return changed !== undefined && this.#clock.nowMs() < changed.atMs
      ? changed.former
      : this.stored(name);
  }

  /** Nothing is held or watched, and every process knows. */
  isClear(name: RegistrationName, nowMs: number): boolean {
    const changed = this.#changed.get(name);
    if (changed === undefined) return true;
    if (nowMs - changed.atMs < this.#maxAgeMs) return false;
    const { holds, windows } = this.stored(name);
    return holds.length === 0 && !windows.some((window) => isOpen(window, nowMs));
  }

  #change(name: RegistrationName, change: Partial<IntegrationTrouble>): IntegrationTrouble {
    this.writes += 1;
    const former = this.stored(name);
    const trouble = { ...former, ...change };
    this.#stored.set(name, trouble);
    this.#changed.set(name, { atMs: this.#clock.nowMs(), former });
    return trouble;
  }

  /** The ports of one process. */
  view(): TroubleView {
    return { holds: this.#holdsView(), evidence: this.#evidenceView() };
  }

  #holdsView(): IntegrationHolds {
    const known = new Map<RegistrationName, { atMs: number; trouble: IntegrationTrouble }>();
    const remember = (name: RegistrationName, trouble: IntegrationTrouble) => {
      known.set(name, { atMs: this.#clock.nowMs(), trouble });
      return trouble;
    };
    const stands = (name: RegistrationName, hold: IntegrationHold): boolean =>
      this.stored(name).holds.some(
        (one) =>
          isSameScope(one.scope, hold.scope) &&
          one.untilMs === hold.untilMs &&
          one.triedAtMs === hold.triedAtMs,
      );
    const others = (name: RegistrationName, { scope }: IntegrationHold) =>
      this.stored(name).holds.filter((one) => !isSameScope(one.scope, scope));
    return {
      current: async (name) => {
        const recent = known.get(name);
        const ageMs = this.#clock.nowMs() - (recent?.atMs ?? Number.NEGATIVE_INFINITY);
        if (recent !== undefined && ageMs < this.#maxAgeMs) return recent.trouble;
        return remember(name, this.#readable(name));
      },
      replace: async (name, previous, hold) => {
        const isFree = others(name, hold).length === this.stored(name).holds.length;
        known.delete(name);
        if (previous === undefined ? !isFree : !stands(name, previous)) return false;
        remember(name, this.#change(name, { holds: [...others(name, hold), hold] }));
        return true;
      },
      lift: async (name, hold) => {
        known.delete(name);
        if (!stands(name, hold)) return false;
        remember(name, this.#change(name, { holds: others(name, hold) }));
        return true;
      },
      openWindow: async (name, window) => {
        const { windows } = this.stored(name);
        const found = windows.find(({ origin }) => origin === window.origin);
        if (found !== undefined && isOpen(found, window.beganAtMs)) {
          remember(name, this.stored(name));
          return found;
        }
        const rest = windows.filter((one) => isOpen(one, window.beganAtMs));
        remember(name, this.#change(name, { windows: [...rest, window] }));
        return window;
      },
    };
  }

  #evidenceView(): TroubleEvidence {
    const storedAtMs = new Map<string, number>();
    /** The deployed adapter keeps back what changes nothing but a count. */
    const countWrite = (id: string, isNew: boolean) => {
      const nowMs = this.#clock.nowMs();
      if (!isNew && nowMs - (storedAtMs.get(id) ?? Number.NEGATIVE_INFINITY) < 5_000) return;
      storedAtMs.set(id, nowMs);
      this.writes += 1;
    };
    return {
      addFailure: async (name, window, failure) => {
        const record = this.#record(name, window);
        const before = evidenceOf(record, failure.reason).failing.length;
        record.refused += 1;
        if (!record.failures.some((one) => isSameFailure(one, failure))) {
          record.failures.push(failure);
        }
        const evidence = evidenceOf(record, failure.reason);
        countWrite(idOf(name, window), evidence.failing.length > before);
        return evidence;
      },
      addSuccess: async (name, window) => {
        const record = this.#record(name, window);
        record.succeeded += 1;
        countWrite(idOf(name, window), record.succeeded === 1);
      },
    };
  }

  #record(name: RegistrationName, window: TroubleWindow): WindowRecord {
    const id = idOf(name, window);
    const record = this.#windows.get(id) ?? { failures: [], refused: 0, succeeded: 0 };
    this.#windows.set(id, record);
    return record;
  }
}

const idOf = (name: RegistrationName, { origin, beganAtMs }: TroubleWindow): string =>
  `${name} ${origin} ${beganAtMs}`;

const isSameFailure = (one: SharedFailure, other: SharedFailure): boolean =>
  one.reason === other.reason &&
  one.origin === other.origin &&
  one.connection.connectionId === other.connection.connectionId;

function evidenceOf(record: WindowRecord, reason: HoldReason): Evidence {
  const failures = record.failures.filter((failure) => failure.reason === reason);
  const distinct = <Value>(values: readonly Value[]): readonly Value[] =>
    [...new Set(values)].slice(0, mostFailing);
  const byId = new Map(failures.map(({ connection }) => [connection.connectionId, connection]));
  return {
    failing: [...byId.values()].slice(0, mostFailing),
    workspaceIds: distinct(failures.map(({ connection }) => connection.workspaceId)),
    origins: distinct(failures.map(({ origin }) => origin)),
    refused: record.refused,
    succeeded: record.succeeded,
  };
}
