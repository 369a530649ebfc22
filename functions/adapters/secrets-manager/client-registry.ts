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
  /** The most registrations in the cache; the least recently used one is evicted. @default 1000 */
  readonly maximumEntries?: number;
}

/** A registration that cannot be used is read again this soon, since somebody may be correcting it. */
const misconfiguredMaxAgeMs = 2_000;
/** How long after its maximum age a registration is used while Secrets Manager does not respond. */
const staleMs = 60 * 60_000;
/** How often Secrets Manager is asked while a stale registration is in use. */
const unavailablePauseMs = 5_000;

/** The result of a read. It does not hold what was written after the read began. */
interface Reading {
  readonly beganAtMs: number;
  readonly found: ClientRegistration | MisconfiguredRegistration;
  /** When the last later read got no response. Undefined: there was none. */
  readonly lastNoResponseAtMs?: number;
}

/**
 * Client registrations from Secrets Manager, cached.
 *
 * A call that states `maxAgeMs` gets the result of a read that began at most that long ago, whether it is done or
 * still under way. With 0 the read begins after the call; such calls share the next read, so that a burst of them
 * costs two reads. Such a call never gets a stale registration.
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
  const isUsable = (cached: Reading | undefined): cached is Reading =>
    cached !== undefined &&
    !(cached.found instanceof MisconfiguredRegistration) &&
    isWithin(cached.beganAtMs, defaultMaxAgeMs + staleMs);
  const isPausing = ({ lastNoResponseAtMs }: Reading): boolean =>
    lastNoResponseAtMs !== undefined && isWithin(lastNoResponseAtMs, unavailablePauseMs);

  const readOrStale = async (name: RegistrationName): Promise<Reading> => {
    const cached = readings.get(name);
    if (isUsable(cached) && isPausing(cached)) return cached;
    try {
      return await read(name, (beganAtMs) => isWithin(beganAtMs, defaultMaxAgeMs));
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || !isUsable(cached)) throw error;
      const stale = { ...cached, lastNoResponseAtMs: clock.nowMs() };
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
