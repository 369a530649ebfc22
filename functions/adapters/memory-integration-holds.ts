import type { RegistrationName } from "../domain/connection.ts";
import type { Clock, IntegrationHold, IntegrationHolds } from "../domain/ports.ts";

export interface MemoryIntegrationHoldsOptions {
  readonly clock: Clock;
  /** @default 1000 */
  readonly maximumHolds?: number;
}

/**
 * Holds that this process knows of. Another process learns of a rejected client with one request of
 * its own. When full, the hold that was placed first is forgotten.
 */
export function memoryIntegrationHolds({
  clock,
  maximumHolds = 1_000,
}: MemoryIntegrationHoldsOptions): IntegrationHolds {
  const holds = new Map<RegistrationName, IntegrationHold>();
  return {
    async current(name) {
      const hold = holds.get(name);
      if (hold === undefined || hold.untilMs > clock.nowMs()) return hold;
      holds.delete(name);
      return undefined;
    },

    async place(name, hold) {
      holds.delete(name);
      holds.set(name, hold);
      for (const oldest of holds.keys()) {
        if (holds.size <= maximumHolds) break;
        holds.delete(oldest);
      }
    },
  };
}
