import { dynamoDbClient } from "../../functions/adapters/aws/clients.ts";
import {
  type ConnectionAdmin,
  dynamoDbConnectionAdmin,
} from "../../functions/adapters/dynamodb/connection-admin.ts";
import type { ConnectionKey } from "../../functions/domain/model/connection.ts";
import { type AdminIo, CommandFailed, requireEnvironment } from "./io.ts";

/** The table that the environment names. @throws {CommandFailed} it names none */
export function connectionTable({ environment }: AdminIo): ConnectionAdmin {
  const { CONNECTIONS_TABLE: tableName } = requireEnvironment(environment, "CONNECTIONS_TABLE");
  return dynamoDbConnectionAdmin({ client: dynamoDbClient(), tableName });
}

export const noSuchConnection = ({ connectionId, workspaceId }: ConnectionKey): CommandFailed =>
  new CommandFailed(
    `workspace ${workspaceId} has no connection ${connectionId}. Find it with: connections list`,
  );
