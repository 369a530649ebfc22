import type { RegistrationName } from "../../functions/domain/model/connection.ts";
import type { IntegrationHold } from "../../functions/domain/model/integration-hold.ts";
import type { Clock } from "../../functions/domain/ports/clock.ts";
import type { IntegrationHolds } from "../../functions/domain/ports/integration.ts";

/** As old as what a process knows of a hold may be. */
const visibleAfterMs = 2_000;

interface Change {
  readonly hold: IntegrationHold | undefined;
  /** What other processes still see for a while. */
  readonly former: IntegrationHold | undefined;
  readonly atMs: number;
  readonly process: number;
}

/** The holds in the coordination table, and what each process, with its cache, knows of them. */
export class SharedHolds {
  readonly #changes = new Map<RegistrationName, Change>();
  readonly #clock: Pick<Clock, "nowMs">;
  writes = 0;

  constructor(clock: Pick<Clock, "nowMs">) {
    this.#clock = clock;
  }

  /** Nothing is held, and every process knows. */
  isClear(name: RegistrationName, nowMs: number): boolean {
    if (this.#changes.size === 0) return true;
    const change = this.#changes.get(name);
    if (change === undefined) return true;
    if (change.hold !== undefined || nowMs - change.atMs < visibleAfterMs) return false;
    this.#changes.delete(name);
    return true;
  }

  viewOf(process: number): IntegrationHolds {
    const change = (name: RegistrationName, hold: IntegrationHold | undefined) => {
      this.writes++;
      const former = this.#changes.get(name)?.hold;
      this.#changes.set(name, { hold, former, atMs: this.#clock.nowMs(), process });
    };
    const isStored = (name: RegistrationName, hold: IntegrationHold | undefined) =>
      this.#changes.get(name)?.hold?.untilMs === hold?.untilMs;
    return {
      current: async (name) => {
        const changed = this.#changes.get(name);
        if (changed === undefined) return undefined;
        const ageMs = this.#clock.nowMs() - changed.atMs;
        const isKnown = ageMs >= visibleAfterMs || (ageMs >= 0 && changed.process === process);
        return isKnown ? changed.hold : changed.former;
      },
      place: async (name, hold, previous) => {
        const isFree = this.#changes.get(name)?.hold === undefined;
        if (isFree || isStored(name, previous)) change(name, hold);
      },
      probe: async (name, hold, probeUntilMs) => {
        if (!isStored(name, hold)) return undefined;
        const probing = { ...hold, untilMs: probeUntilMs };
        change(name, probing);
        return probing;
      },
      lift: async (name, hold) => {
        if (isStored(name, hold)) change(name, undefined);
      },
    };
  }
}
