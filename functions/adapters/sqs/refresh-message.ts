import { isoInstant } from "../../domain/model/instant.ts";
import type { DueConnection } from "../../domain/ports/schedule.ts";
import { type Fault, faultsText, validated } from "../../validation/check.ts";
import { connectionIdCheck, identifier, workspaceIdCheck } from "../../validation/identifiers.ts";
import { json, object } from "../../validation/structures.ts";
import { instant } from "../../validation/values.ts";

/** The body of a message on the refresh queue. `refresh_at` is ISO 8601 in UTC. The message holds no token. */
export const refreshMessage = (due: DueConnection): string =>
  JSON.stringify({
    connection_id: due.connectionId,
    workspace_id: due.workspaceId,
    integration: due.integration,
    refresh_at: isoInstant(due.refreshAtMs),
  });

const messageCheck = json(
  object({
    connection_id: connectionIdCheck,
    workspace_id: workspaceIdCheck,
    integration: identifier,
    refresh_at: instant,
  }),
);

/** The message names every member at fault, and shows no value. */
export class InvalidRefreshMessage extends Error {
  constructor(faults: readonly Fault[]) {
    super(`not a refresh message: ${faultsText(faults)}`);
    this.name = "InvalidRefreshMessage";
  }
}

/**
 * Ignores members that it does not know: a later version may add some.
 * @throws {InvalidRefreshMessage}
 */
export function parseRefreshMessage(body: string): DueConnection {
  const message = validated(messageCheck, body, (faults) => new InvalidRefreshMessage(faults));
  return {
    connectionId: message.connection_id,
    workspaceId: message.workspace_id,
    integration: message.integration,
    refreshAtMs: message.refresh_at,
  };
}
