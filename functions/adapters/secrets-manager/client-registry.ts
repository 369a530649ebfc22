import type { RegistrationName } from "../../domain/model/connection.ts";
import { MisconfiguredRegistration, StoreUnavailable } from "../../domain/model/errors.ts";
import type { ClientRegistration, ClientRegistry } from "../../domain/ports/client-registration.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import { lruMap } from "../cache/lru-map.ts";
import { sharedReads } from "../cache/shared-reads.ts";
import { type RegistrationSecrets, readRegistration } from "./registration-secret.ts";

export interface SecretsClientRegistryOptions extends RegistrationSecrets {
  readonly clock: Pick<Clock, "nowMs">;
  /** How old a cached registration may be. @default 300000, five minutes */
  readonly maxAgeMs?: number;
  /** Registrations kept, the one used longest ago making room. @default 1000 */
  readonly maximumEntries?: number;
}

/** A registration that cannot be used is read again this soon: somebody is mending it. */
const misconfiguredMaxAgeMs = 2_000;
/** How far beyond its maximum age a registration is used while Secrets Manager does not answer. */
const staleMs = 60 * 60_000;
/** While a stale registration stands in, Secrets Manager is asked this often. */
const unavailablePauseMs = 5_000;

/** What a read found, and when it began: what was written after that is not in it. */
interface Reading {
  readonly beganAtMs: number;
  readonly found: ClientRegistration | MisconfiguredRegistration;
  /** The last time that a read after this one was not answered. */
  readonly unansweredAtMs?: number;
}

/**
 * Client registrations from Secrets Manager, cached.
 *
 * A call that states `maxAgeMs` is answered by a read that began no longer ago than that, under way
 * or done, or by none: with 0, only by one that begins after the call. Such calls share the next
 * read, so that a burst of them costs two. They are never answered with what is stale.
 */
export function secretsClientRegistry(options: SecretsClientRegistryOptions): ClientRegistry {
  const { clock, maxAgeMs: defaultMaxAgeMs = 300_000, maximumEntries = 1_000 } = options;
  const readings = lruMap<RegistrationName, Reading>(maximumEntries);
  const read = sharedReads(clock, async (name: RegistrationName): Promise<Reading> => {
    const beganAtMs = clock.nowMs();
    const reading = { beganAtMs, found: await readOrFault(options, name) };
    readings.set(name, reading);
    return reading;
  });
  const isWithin = (instantMs: number, ageMs: number): boolean => clock.nowMs() - instantMs < ageMs;
  const standsIn = (cached: Reading | undefined): cached is Reading =>
    cached !== undefined &&
    !(cached.found instanceof MisconfiguredRegistration) &&
    isWithin(cached.beganAtMs, defaultMaxAgeMs + staleMs);
  const isPausing = ({ unansweredAtMs }: Reading): boolean =>
    unansweredAtMs !== undefined && isWithin(unansweredAtMs, unavailablePauseMs);

  const readOrStale = async (name: RegistrationName): Promise<Reading> => {
    const cached = readings.get(name);
    if (standsIn(cached) && isPausing(cached)) return cached;
    try {
      return await read(name, (beganAtMs) => isWithin(beganAtMs, defaultMaxAgeMs));
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || !standsIn(cached)) throw error;
      const stale = { ...cached, unansweredAtMs: clock.nowMs() };
      readings.set(name, stale);
      return stale;
    }
  };

  return {
    async registration(name, maxAgeMs) {
      const cached = readings.get(name);
      if (cached && isWithin(cached.beganAtMs, ageLimitMs(cached, maxAgeMs ?? defaultMaxAgeMs))) {
        return foundIn(cached);
      }
      if (maxAgeMs === undefined) return foundIn(await readOrStale(name));
      return foundIn(await read(name, (beganAtMs) => isWithin(beganAtMs, maxAgeMs)));
    },
  };
}

async function readOrFault(
  secrets: RegistrationSecrets,
  name: RegistrationName,
): Promise<ClientRegistration | MisconfiguredRegistration> {
  try {
    return await readRegistration(secrets, name);
  } catch (error) {
    if (error instanceof MisconfiguredRegistration) return error;
    throw error;
  }
}

const ageLimitMs = ({ found }: Reading, maxAgeMs: number): number =>
  found instanceof MisconfiguredRegistration ? Math.min(maxAgeMs, misconfiguredMaxAgeMs) : maxAgeMs;

function foundIn({ found }: Reading): ClientRegistration {
  if (found instanceof MisconfiguredRegistration) throw found;
  return found;
}
