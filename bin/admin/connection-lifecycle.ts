import { Command } from "commander";
import { dynamoDbClient } from "../../functions/adapters/aws/clients.ts";
import type { ConnectionAdmin } from "../../functions/adapters/dynamodb/connection-admin.ts";
import { MalformedConnection } from "../../functions/adapters/dynamodb/connection-item.ts";
import { dynamoDbConnectionList } from "../../functions/adapters/dynamodb/connection-list.ts";
import type {
  ConnectionId,
  ConnectionKey,
  WorkspaceId,
} from "../../functions/domain/model/connection.ts";
import { dueAt } from "../../functions/domain/schedule/due.ts";
import { connectionId, integrationName, pastInstantMs, workspaceId } from "./arguments.ts";
import { connectionTable, noSuchConnection } from "./connection-table.ts";
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

/** The commands that enable, disable, retry and delete connections. */
export const lifecycleCommands = (io: AdminIo): readonly Command[] => [
  statusCommand(io, "enable", "active", "enable a connection and schedule its refresh"),
  statusCommand(io, "disable", "inactive", "disable a connection, so that it is not refreshed"),
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
    .addHelpText(
      "after",
      `\nExample:\n  npm run admin -- connections ${name} conn_demo --workspace wsp_demo`,
    )
    .action(async (id: ConnectionId, options: ConnectionOptions) => {
      const key = { connectionId: id, workspaceId: options.workspace };
      const nowMs = Date.now();
      const due = status === "active" ? dueAt(id, nowMs) : undefined;
      const change = { status, clearsFailure: false, due, changedAtMs: nowMs };
      await existing(key, connectionTable(io).setStatus(key, change));
      print(io, options, { connection_id: id, status });
    });

const retryCommand = (io: AdminIo): Command =>
  new Command("retry")
    .description("retry the stored refresh token, even if the connection is expired")
    .argument(
      "[connection_id]",
      "the connection's id; default: those of --integration",
      connectionId,
    )
    .option("--workspace <id>", "the connection's workspace", workspaceId)
    .option("--integration <name>", "all expired connections of an integration", integrationName)
    .option(
      "--since <instant>",
      "only those that changed since this time, ISO 8601 in UTC",
      pastInstantMs,
    )
    .option("--json", "print JSON")
    .addHelpText("after", retryHelp)
    .action((id: ConnectionId | undefined, options: RetryOptions) => retry(io, id, options));

const retryHelp = `
The connection becomes active and due, and the schedule sends its stored refresh token within about a minute. If the
provider refuses the token again, the connection becomes expired again.

Examples:
  npm run admin -- connections retry conn_x --workspace wsp_demo
  npm run admin -- connections retry --integration acme --since 2026-11-28T06:00:00Z`;

const deleteCommand = (io: AdminIo): Command =>
  new Command("delete")
    .description("delete a connection and its tokens")
    .argument("<connection_id>", "the connection's id", connectionId)
    .requiredOption("--workspace <id>", "the connection's workspace", workspaceId)
    .option("--yes", "confirm the deletion, which cannot be undone")
    .option("--json", "print JSON")
    .addHelpText("after", deleteHelp)
    .action((id: ConnectionId, options: DeleteOptions) => deleteOne(io, id, options));

const deleteHelp = `
The tokens are deleted here and not revoked at the provider. Revoke them there if they have to stop working. The id can
be used again at once. A refresh in progress, or a token set in the rescue queue, does not restore the connection.

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
    await existing(key, tryOnceMore(connectionTable(io), key));
    return print(io, options, { connection_id: id, status: "active" });
  }
  if (id !== undefined || integration === undefined) {
    throw new CommandFailed(
      "expected a connection id with --workspace, or --integration. See: connections retry --help",
    );
  }
  const keys = await expiredConnections(io, options);
  const connections = connectionTable(io);
  const rows = [];
  for (const key of keys) {
    const outcome = await tryOnceMore(connections, key);
    rows.push({ connection_id: key.connectionId, workspace_id: key.workspaceId, outcome });
  }
  printAll(io, options, rows, `no expired connections of ${integration}`);
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
    throw new CommandFailed(
      `the deletion of ${id} cannot be undone. To confirm it, run the command again with --yes`,
    );
  }
  const key = { connectionId: id, workspaceId: options.workspace };
  const outcome = await existing(key, connectionTable(io).delete(key, Date.now()));
  if (outcome === "refreshing") {
    throw new CommandFailed(`connection ${id} is being refreshed. Run the command again`);
  }
  print(io, options, { connection_id: id, outcome });
}

/** @throws {CommandFailed} there is no such connection */
async function existing<Outcome extends string>(
  key: ConnectionKey,
  changing: Promise<Outcome>,
): Promise<Exclude<Outcome, "absent">> {
  const outcome = await changing;
  if (outcome === "absent") throw noSuchConnection(key);
  return outcome as Exclude<Outcome, "absent">;
}
