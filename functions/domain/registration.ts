import type { Connection } from "./connection.ts";
import { MisconfiguredRegistration, StoreUnavailable } from "./errors.ts";
import { keyOf, type RefreshDependencies } from "./refresh.ts";
import type { ClientRegistration } from "./registration-ports.ts";

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
