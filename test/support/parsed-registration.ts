import { parseClientRegistration } from "../../functions/adapters/client-registration/client-registration.ts";
import type { RegistrationName } from "../../functions/domain/model/connection.ts";
import type { ClientRegistration } from "../../functions/domain/ports/client-registration.ts";

/** A registration as it is read from the members of its secret. @throws {MisconfiguredRegistration} */
export const parsedRegistration = (
  members: Readonly<Record<string, unknown>>,
): ClientRegistration =>
  parseClientRegistration("integrations/acme" as RegistrationName, "1", JSON.stringify(members));
