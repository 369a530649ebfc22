import { Command, Option } from "commander";
import { dynamoDbClient } from "../../functions/adapters/aws/clients.ts";
import { MalformedConnection } from "../../functions/adapters/dynamodb/connection-item.ts";
import {
  type ConnectionFilter,
  dynamoDbConnectionList,
  type ListedConnection,
} from "../../functions/adapters/dynamodb/connection-list.ts";
import {
  type ConnectionStatus,
  connectionStatuses,
  type WorkspaceId,
} from "../../functions/domain/model/connection.ts";
import { isoSecond } from "../../functions/domain/model/instant.ts";
import {
  type ReauthorizationDue,
  reauthorizationDue,
} from "../../functions/domain/reauthorization.ts";
import { durationMs, integrationName, wholeNumber, workspaceId } from "./arguments.ts";
import { type AdminIo, requireEnvironment } from "./io.ts";
import { type OutputOptions, printAll, type Row } from "./output.ts";

interface ListOptions extends OutputOptions {
  readonly workspace?: WorkspaceId;
  readonly integration?: string;
  readonly status?: ConnectionStatus;
  /** Milliseconds. */
  readonly reauthorizeWithin?: number;
  readonly limit: number;
}

export const listCommand = (io: AdminIo): Command =>
  new Command("list")
    .description("list connections, or only those whose users have to connect again soon")
    .option("--workspace <id>", "only this workspace", workspaceId)
    .option("--integration <name>", "only this integration", integrationName)
    .addOption(new Option("--status <status>", "only this status").choices(connectionStatuses))
    .option(
      "--reauthorize-within <time>",
      "only those whose refresh token ends within this time",
      durationMs,
    )
    .option("--limit <n>", "the maximum number of connections", wholeNumber, 100)
    .option("--json", "print JSON")
    .addHelpText("after", listHelp)
    .action((options: ListOptions) => list(io, options));

const listHelp = `
The command scans the whole table, which costs one read unit for each 8 KB stored. It is meant for people and reports,
not for frequent use by a program. Without --reauthorize-within it stops at --limit, and the order is undefined.

--reauthorize-within takes a number of days, hours or minutes (30d, 36h, 90m). It lists, soonest first, the connections
whose refresh token ends within this time, or has ended, unless a scheduled refresh extends it. The reason is one of:
  absolute  the token ends a fixed time after the user's consent, or when the provider says; no refresh extends it
  idle      a refresh would extend it, but the connection is inactive or not on the schedule
Connections with the status expired are not included; list them with --status expired.

Examples:
  npm run admin -- connections list --workspace wsp_demo
  npm run admin -- connections list --integration crm --status error --json
  npm run admin -- connections list --reauthorize-within 30d`;

async function list(io: AdminIo, options: ListOptions): Promise<void> {
  const { workspace, integration, status, reauthorizeWithin, limit } = options;
  const unreadable: Unreadable = { count: 0, first: undefined };
  const connections = readable(io, { workspaceId: workspace, integration, status }, unreadable);
  const listed =
    reauthorizeWithin === undefined
      ? await first(limit, connections)
      : await soonest(limit, due(connections, Date.now() + reauthorizeWithin));
  printAll(io, options, listed.rows, "no connections found");
  if (listed.hasMore)
    io.stderr.write(`note: there are more than ${limit} connections. Raise --limit to see them\n`);
  if (unreadable.first === undefined) return;
  const { count, first: fault } = unreadable;
  io.stderr.write(`note: ${count} connections cannot be read. The first: ${fault.message}\n`);
}

interface Unreadable {
  count: number;
  first: MalformedConnection | undefined;
}

/** Counts connections that cannot be read, and yields all others. */
async function* readable(
  { environment }: AdminIo,
  filter: ConnectionFilter,
  unreadable: Unreadable,
): AsyncGenerator<ListedConnection> {
  const { CONNECTIONS_TABLE: tableName } = requireEnvironment(environment, "CONNECTIONS_TABLE");
  const { connections } = dynamoDbConnectionList({ client: dynamoDbClient(), tableName });
  for await (const connection of connections(filter)) {
    if (!(connection instanceof MalformedConnection)) {
      yield connection;
      continue;
    }
    unreadable.count++;
    unreadable.first ??= connection;
  }
}

interface Listed {
  readonly rows: readonly Row[];
  readonly hasMore: boolean;
}

async function first(limit: number, connections: AsyncIterable<ListedConnection>): Promise<Listed> {
  const rows: Row[] = [];
  for await (const connection of connections) {
    if (rows.length === limit) return { rows, hasMore: true };
    rows.push(connectionRow(connection));
  }
  return { rows, hasMore: false };
}

interface DueConnection extends ReauthorizationDue {
  readonly connection: ListedConnection;
}

async function* due(
  connections: AsyncIterable<ListedConnection>,
  throughMs: number,
): AsyncGenerator<DueConnection> {
  for await (const connection of connections) {
    const ending = reauthorizationDue(connection, throughMs);
    if (ending !== undefined) yield { ...ending, connection };
  }
}

/** Holds at most twice the limit in memory. */
async function soonest(limit: number, ending: AsyncIterable<DueConnection>): Promise<Listed> {
  let held: DueConnection[] = [];
  let count = 0;
  const sorted = () => held.sort((a, b) => a.endsAtMs - b.endsAtMs).slice(0, limit);
  for await (const connection of ending) {
    count++;
    held.push(connection);
    if (held.length >= 2 * limit) held = sorted();
  }
  return { rows: sorted().map(dueRow), hasMore: count > limit };
}

const connectionRow = (connection: ListedConnection): Row => ({
  connection_id: connection.connectionId,
  workspace_id: connection.workspaceId,
  integration: connection.integration,
  status: connection.status,
  label: connection.label,
  expires_at: at(connection.expiresAtMs),
  refresh_token_expires_at: at(connection.refreshTokenExpiresAtMs),
  refresh_token_absolute_expires_at: at(connection.refreshTokenAbsoluteExpiresAtMs),
  refresh_at: at(connection.refreshAtMs),
});

const dueRow = ({ endsAtMs, reason, connection }: DueConnection): Row => ({
  ends_at: at(endsAtMs),
  reason,
  connection_id: connection.connectionId,
  workspace_id: connection.workspaceId,
  integration: connection.integration,
  status: connection.status,
  label: connection.label,
});

const at = (instantMs: number | undefined): string | undefined =>
  instantMs === undefined ? undefined : isoSecond(instantMs);
