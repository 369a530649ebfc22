import type { Connection } from "./connection.ts";
import { MisconfiguredRegistration, RefreshError, StoreUnavailable } from "./errors.ts";
import type { ClientRegistration } from "./ports.ts";
import { keyOf, type RefreshDependencies } from "./refresh.ts";

/** While an integration is held, its secret is read this often to see whether it was mended. */
const heldRereadMs = 1_000;

/**
 * The client registration to use, unless it is the very one that the provider rejected a moment ago:
 * a secret that has changed since ends the hold.
 */
export async function registrationFor(
  { registry, holds, clock }: RefreshDependencies,
  { registrationName, integration }: Connection,
): Promise<ClientRegistration> {
  const hold = await holds.current(registrationName);
  const nowMs = clock.nowMs();
  if (hold === undefined || hold.untilMs <= nowMs) return registry.registration(registrationName);
  const registration = await registry.registration(registrationName, heldRereadMs);
  if (registration.version !== hold.registrationVersion) return registration;
  throw new RefreshError("integration_held", {
    integration,
    reason: `Integration ${integration}: mend its client registration.`,
    retryAfterSeconds: Math.max(1, Math.ceil((hold.untilMs - nowMs) / 1000)),
  });
}

/**
 * The secret past the cache, after the provider rejected the client: it may have been rotated a
 * minute ago. Undefined when it has not changed, for then the provider would say the same again.
 */
export async function rereadRegistration(
  { registry, journal }: RefreshDependencies,
  connection: Connection,
  rejected: ClientRegistration,
): Promise<ClientRegistration | undefined> {
  const { registrationName } = connection;
  journal.record({ code: "client.reread", ...keyOf(connection), registrationName });
  try {
    const registration = await registry.registration(registrationName, 0);
    return registration.version === rejected.version ? undefined : registration;
  } catch (error) {
    if (error instanceof StoreUnavailable || error instanceof MisconfiguredRegistration) {
      return undefined;
    }
    throw error;
  }
}
