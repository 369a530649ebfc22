import { Command } from "commander";
import { dynamoDbClient } from "../../functions/adapters/aws/clients.ts";
import {
  type ConnectionAdmin,
  dynamoDbConnectionAdmin,
} from "../../functions/adapters/dynamodb/connection-admin.ts";
import { MalformedConnection } from "../../functions/adapters/dynamodb/connection-item.ts";
import { dynamoDbConnectionList } from "../../functions/adapters/dynamodb/connection-list.ts";
import type {
  ConnectionId,
  ConnectionKey,
  WorkspaceId,
} from "../../functions/domain/model/connection.ts";
import { dueAt } from "../../functions/domain/schedule/due.ts";
import { connectionId, integrationName, pastInstantMs, workspaceId } from "./arguments.ts";
import { type AdminIo, CommandFailed, requireEnvironment } from "./io.ts";
import { type OutputOptions, print, printAll } from "./output.ts";

interface ConnectionOptions extends OutputOptions {
  readonly workspace: WorkspaceId;
}

interface DeleteOptions extends ConnectionOptions {
  readonly yes?: true;
}

interface RetryOptions extends OutputOptions {
  readonly workspace?: WorkspaceId;
  readonly integration?: string;
  readonly since?: number;
}

/** The commands that switch connections on and off, try them once more, and delete them. */
export const lifecycleCommands = (io: AdminIo): readonly Command[] => [
  statusCommand(io, "enable", "active", "switch a connection on, and schedule its refresh"),
  statusCommand(io, "disable", "inactive", "switch a connection off: it is not refreshed"),
  retryCommand(io),
  deleteCommand(io),
];

const statusCommand = (
  io: AdminIo,
  name: "enable" | "disable",
  status: "active" | "inactive",
  description: string,
): Command =>
  new Command(name)
    .description(description)
    .argument("<connection_id>", "the connection's id", connectionId)
    .requiredOption("--workspace <id>", "the connection's workspace", workspaceId)
    .option("--json", "print JSON")
    .action(async (id: ConnectionId, options: ConnectionOptions) => {
      const key = { connectionId: id, workspaceId: options.workspace };
      const nowMs = Date.now();
      const due = status === "active" ? dueAt(id, nowMs) : undefined;
      const change = { status, clearsFailure: false, due, changedAtMs: nowMs };
      await existing(key, admin(io).setStatus(key, change));
      print(io, options, { connection_id: id, status });
    });

const retryCommand = (io: AdminIo): Command =>
  new Command("retry")
    .description("try the stored refresh token once more, whatever the connection's status")
    .argument(
      "[connection_id]",
      "the connection's id; without it, those of --integration",
      connectionId,
    )
    .option("--workspace <id>", "the connection's workspace", workspaceId)
    .option("--integration <name>", "all expired connections of an integration", integrationName)
    .option("--since <instant>", "only those that changed since, ISO 8601 in UTC", pastInstantMs)
    .option("--json", "print JSON")
    .addHelpText("after", retryHelp)
    .action((id: ConnectionId | undefined, options: RetryOptions) => retry(io, id, options));

const retryHelp = `
The connection becomes active and due. The schedule presents its stored refresh token within a minute or so. If the
provider refuses the token again, the connection is expired again.

Examples:
  npm run admin -- connections retry conn_x --workspace wsp_demo
  npm run admin -- connections retry --integration acme --since 2026-11-28T06:00:00Z`;

const deleteCommand = (io: AdminIo): Command =>
  new Command("delete")
    .description("delete a connection and its tokens")
    .argument("<connection_id>", "the connection's id", connectionId)
    .requiredOption("--workspace <id>", "the connection's workspace", workspaceId)
    .option("--yes", "delete without asking: it cannot be undone")
    .option("--json", "print JSON")
    .addHelpText("after", deleteHelp)
    .action((id: ConnectionId, options: DeleteOptions) => deleteOne(io, id, options));

const deleteHelp = `
The tokens are deleted here, and not revoked at the provider: revoke them there if they have to stop working. The id can
be used again at once. A refresh that is in progress, or a token set in the rescue queue, does not bring the connection
back.

Example:
  npm run admin -- connections delete conn_x --workspace wsp_demo --yes`;

async function retry(
  io: AdminIo,
  id: ConnectionId | undefined,
  options: RetryOptions,
): Promise<void> {
  const { workspace, integration } = options;
  if (id !== undefined && workspace !== undefined && integration === undefined) {
    const key = { connectionId: id, workspaceId: workspace };
    await existing(key, tryOnceMore(admin(io), key));
    return print(io, options, { connection_id: id, status: "active" });
  }
  if (id !== undefined || integration === undefined) {
    throw new CommandFailed(
      "name a connection and its --workspace, or an --integration: connections retry --help",
    );
  }
  const keys = await expiredConnections(io, options);
  const connections = admin(io);
  const rows = [];
  for (const key of keys) {
    const outcome = await tryOnceMore(connections, key);
    rows.push({ connection_id: key.connectionId, workspace_id: key.workspaceId, outcome });
  }
  printAll(io, options, rows, `no connection of ${integration} is expired`);
}

const tryOnceMore = (connections: ConnectionAdmin, key: ConnectionKey) => {
  const nowMs = Date.now();
  const due = dueAt(key.connectionId, nowMs);
  return connections.setStatus(key, {
    ...{ status: "active", clearsFailure: true, due, changedAtMs: nowMs },
  });
};

async function expiredConnections(
  io: AdminIo,
  { workspace, integration, since = 0 }: RetryOptions,
): Promise<readonly ConnectionKey[]> {
  const { CONNECTIONS_TABLE: tableName } = requireEnvironment(io.environment, "CONNECTIONS_TABLE");
  const list = dynamoDbConnectionList({ client: dynamoDbClient(), tableName });
  const keys: ConnectionKey[] = [];
  const filter = { workspaceId: workspace, integration, status: "expired" as const };
  for await (const connection of list.connections(filter)) {
    if (connection instanceof MalformedConnection) continue;
    if ((connection.updatedAtMs ?? 0) >= since) keys.push(connection);
  }
  return keys;
}

async function deleteOne(io: AdminIo, id: ConnectionId, options: DeleteOptions): Promise<void> {
  if (options.yes !== true) {
    throw new CommandFailed(`deleting ${id} cannot be undone: run the command again with --yes`);
  }
  const key = { connectionId: id, workspaceId: options.workspace };
  const outcome = await existing(key, admin(io).delete(key, Date.now()));
  if (outcome === "refreshing") {
    throw new CommandFailed(`connection ${id} is being refreshed: run the command again`);
  }
  print(io, options, { connection_id: id, outcome });
}

function admin({ environment }: AdminIo): ConnectionAdmin {
  const { CONNECTIONS_TABLE: tableName } = requireEnvironment(environment, "CONNECTIONS_TABLE");
  return dynamoDbConnectionAdmin({ client: dynamoDbClient(), tableName });
}

/** @throws {CommandFailed} there is no such connection */
async function existing<Outcome extends string>(
  { connectionId: id, workspaceId: workspace }: ConnectionKey,
  changing: Promise<Outcome>,
): Promise<Exclude<Outcome, "absent">> {
  const outcome = await changing;
  if (outcome !== "absent") return outcome as Exclude<Outcome, "absent">;
  throw new CommandFailed(
    `workspace ${workspace} has no connection ${id}. Find it with: connections list`,
  );
}
