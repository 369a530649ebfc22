import {
  type ConnectionId,
  identifierPattern,
  isConnectionId,
  isWorkspaceId,
  type WorkspaceId,
} from "../../domain/model/connection.ts";
import { isoInstant } from "../../domain/model/instant.ts";
import type { DueConnection } from "../../domain/ports/schedule.ts";
import { isJsonObject } from "../json/json-checks.ts";
import {
  faultsOf,
  instantWords,
  isInstant,
  type MemberChecks,
  parseJson,
} from "../json/record-members.ts";

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
  if (!isJsonObject(members)) throw new InvalidRefreshMessage(["expected one JSON object"]);
  if (!isRefreshMessage(members)) throw new InvalidRefreshMessage(faultsOf(checks, members));
  return {
    connectionId: members.connection_id,
    workspaceId: members.workspace_id,
    integration: members.integration,
    refreshAtMs: Date.parse(members.refresh_at),
  };
}

type Members = Readonly<Record<string, unknown>>;

const isRefreshMessage = (members: Members): members is Members & RefreshMessage =>
  faultsOf(checks, members).length === 0;

const isIdentifier = (value: unknown): boolean =>
  typeof value === "string" && identifierPattern.test(value);

const checks: MemberChecks<keyof RefreshMessage> = {
  connection_id: { expected: "an identifier", holds: isConnectionId },
  workspace_id: { expected: "an identifier", holds: isWorkspaceId },
  integration: { expected: "an identifier", holds: isIdentifier },
  refresh_at: { expected: instantWords, holds: isInstant },
};
