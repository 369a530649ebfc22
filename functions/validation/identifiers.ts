import {
  identifierPattern,
  isConnectionId,
  isRegistrationName,
  isWorkspaceId,
} from "../domain/model/connection.ts";
import { matching, satisfying } from "./values.ts";

export const identifier = matching(identifierPattern, "an identifier");
export const connectionIdCheck = satisfying(isConnectionId, "an identifier", identifierPattern);
export const workspaceIdCheck = satisfying(isWorkspaceId, "an identifier", identifierPattern);
export const registrationNameCheck = satisfying(
  isRegistrationName,
  "the name of a client registration",
);
