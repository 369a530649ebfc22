import type { Connection } from "../model/connection.ts";
import { keyOf } from "../model/connection.ts";
import { MisconfiguredRegistration, StoreUnavailable } from "../model/errors.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import type { RefreshDependencies } from "../refresh.ts";

/**
 * The secret past the cache, after the provider rejected the client: it may have been rotated a
 * minute ago. Undefined when it has not changed, for then the provider would say the same again.
 */
export async function rereadRegistration(
  { registry, telemetry }: RefreshDependencies,
  connection: Connection,
  rejected: ClientRegistration,
): Promise<ClientRegistration | undefined> {
  const { registrationName } = connection;
  telemetry.emit({ code: "client.reread", ...keyOf(connection), registrationName });
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
