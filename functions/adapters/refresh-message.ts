import {
  type ConnectionId,
  identifierPattern,
  isConnectionId,
  isWorkspaceId,
  type WorkspaceId,
} from "../domain/connection.ts";
import { isoInstant } from "../domain/instant.ts";
import type { DueConnection } from "../domain/schedule-ports.ts";

/** The body of a message on the refresh queue. `refresh_at` is ISO 8601 in UTC. No token is in it. */
interface RefreshMessage {
  readonly connection_id: ConnectionId;
  readonly workspace_id: WorkspaceId;
  readonly integration: string;
  readonly refresh_at: string;
}

export function refreshMessage(due: DueConnection): string {
  const message: RefreshMessage = {
    connection_id: due.connectionId,
    workspace_id: due.workspaceId,
    integration: due.integration,
    refresh_at: isoInstant(due.refreshAtMs),
  };
  return JSON.stringify(message);
}

/** Not the message of a due connection. Names every member at fault, and shows no value. */
export class InvalidRefreshMessage extends Error {
  constructor(faults: readonly string[]) {
    super(`not a refresh message: ${faults.join("; ")}`);
    this.name = "InvalidRefreshMessage";
  }
}

/** @throws {InvalidRefreshMessage} */
export function parseRefreshMessage(body: string): DueConnection {
  const members = parseJson(body);
  if (!isObject(members)) throw new InvalidRefreshMessage(["expected one JSON object"]);
  if (!isRefreshMessage(members)) throw new InvalidRefreshMessage(faultsOf(members));
  return {
    connectionId: members.connection_id,
    workspaceId: members.workspace_id,
    integration: members.integration,
    refreshAtMs: Date.parse(members.refresh_at),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the body.
    return undefined;
  }
}

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isRefreshMessage = (members: Members): members is Members & RefreshMessage =>
  faultsOf(members).length === 0;

const faultsOf = (members: Members): string[] =>
  Object.entries(checks)
    .filter(([name, { holds }]) => !holds(members[name]))
    .map(([name, { expected }]) => `${name}: expected ${expected}`);

const isIdentifier = (value: unknown): boolean =>
  typeof value === "string" && identifierPattern.test(value);

const isInstant = (value: unknown): boolean =>
  typeof value === "string" &&
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z$/.test(value) &&
  !Number.isNaN(Date.parse(value));

const checks: Readonly<
  Record<keyof RefreshMessage, { expected: string; holds: (value: unknown) => boolean }>
> = {
  connection_id: { expected: "an identifier", holds: isConnectionId },
  workspace_id: { expected: "an identifier", holds: isWorkspaceId },
  integration: { expected: "an identifier", holds: isIdentifier },
  refresh_at: { expected: "an ISO 8601 instant in UTC", holds: isInstant },
};
