import { Command } from "commander";
import type { DescribedConnection } from "../../functions/adapters/dynamodb/connection-admin.ts";
import type {
  ConnectionId,
  RegistrationName,
  WorkspaceId,
} from "../../functions/domain/model/connection.ts";
import { isoInstant, isoSecond } from "../../functions/domain/model/instant.ts";
import {
  connectionId,
  integrationName,
  keyValue,
  pastInstantMs,
  registrationName,
  wholeNumber,
  workspaceId,
} from "./arguments.ts";
import { lifecycleCommands } from "./connection-lifecycle.ts";
import { connectionTable, noSuchConnection } from "./connection-table.ts";
import { type AdminIo, CommandFailed, requireEnvironment } from "./io.ts";
import { listCommand } from "./list-connections.ts";
import { type OutputOptions, print, type Row } from "./output.ts";
import { putConnection } from "./put-connection.ts";
import { reencryptCommand } from "./reencrypt.ts";
import { callRefresh } from "./refresh-call.ts";
import { readSecret } from "./secret-input.ts";

interface WorkspaceOptions extends OutputOptions {
  readonly workspace: WorkspaceId;
}

interface PutOptions extends WorkspaceOptions {
  readonly integration: string;
  readonly registration?: RegistrationName;
  readonly label?: string;
  readonly user?: string;
  readonly config?: Readonly<Record<string, string>>;
  readonly consentedAt?: number;
}

interface RefreshOptions extends Partial<WorkspaceOptions> {
  readonly force?: true;
  readonly minTtlSeconds?: number;
}

export const connectionCommands = (io: AdminIo): Command => {
  const commands = new Command("connections").description("users' connections and their tokens");
  for (const command of [
    ...[putCommand(io), listCommand(io), showCommand(io), refreshCommand(io)],
    ...lifecycleCommands(io),
    reencryptCommand(io),
  ]) {
    commands.addCommand(command);
  }
  return commands;
};

const putCommand = (io: AdminIo): Command =>
  new Command("put")
    .description("create a connection, or replace its tokens")
    .argument("<connection_id>", "the connection's id", connectionId)
    .requiredOption("--workspace <id>", "the connection's workspace", workspaceId)
    .requiredOption("--integration <name>", "the integration of the tokens", integrationName)
    .option("--registration <name>", "a client registration of its own", registrationName)
    .option("--label <text>", "a name for people")
    .option("--user <id>", "the user who consented")
    .option("--config <key=value>", "a variable of the token endpoint; repeatable", keyValue)
    .option(
      "--consented-at <instant>",
      "the time of the user's consent, ISO 8601 in UTC; default: now",
      pastInstantMs,
    )
    .option("--json", "print JSON")
    .addHelpText("after", putHelp)
    .action((id: ConnectionId, options: PutOptions) => put(io, id, options));

const showCommand = (io: AdminIo): Command =>
  new Command("show")
    .description("show a connection, its tokens redacted")
    .argument("<connection_id>", "the connection's id", connectionId)
    .requiredOption("--workspace <id>", "the connection's workspace", workspaceId)
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExample:\n  npm run admin -- connections show conn_demo --workspace wsp_demo",
    )
    .action((id: ConnectionId, options: WorkspaceOptions) => show(io, id, options));

const refreshCommand = (io: AdminIo): Command =>
  new Command("refresh")
    .description("refresh a connection through the API")
    .argument("<connection_id>", "the connection's id", connectionId)
    .option("--workspace <id>", "the connection's workspace; default: the API key's", workspaceId)
    .option("--force", "refresh even if it was refreshed within the last seconds")
    .option("--min-ttl-seconds <n>", "refresh only if the access token expires sooner", wholeNumber)
    .option("--json", "print JSON")
    .addHelpText("after", refreshHelp)
    .action((id: ConnectionId, options: RefreshOptions) => refresh(io, id, options));

const putHelp = `
Stdin, or a prompt, holds the refresh token or a whole token response, in JSON or form-encoded. In a response, the
member dpop_jwk, a private JWK, is the key that the tokens are bound to (RFC 9449).

Examples:
  npm run admin -- connections put conn_x --workspace wsp_demo --integration acme < refresh-token
  npm run admin -- connections put conn_y --workspace wsp_demo --integration acme --config subdomain=eu < token-response.json`;

const refreshHelp = `
It needs API_URL and API_KEY in the environment.

Example:
  npm run admin -- connections refresh conn_demo --force`;

async function put(io: AdminIo, id: ConnectionId, options: PutOptions): Promise<void> {
  const { workspace, integration, registration, label, user, config } = options;
  const input = await readSecret(io, "refresh token");
  const key = { connectionId: id, workspaceId: workspace };
  const { outcome, notes } = await putConnection(
    io.environment,
    { ...key, integration, registrationName: registration, label, userId: user, config },
    { input, consentedAtMs: options.consentedAt },
  );
  for (const note of notes) io.stderr.write(`note: ${note}\n`);
  print(io, options, { outcome, ...connectionRow(await described(io, id, workspace)) });
}

async function show(io: AdminIo, id: ConnectionId, options: WorkspaceOptions): Promise<void> {
  print(io, options, connectionRow(await described(io, id, options.workspace)));
}

async function described(
  io: AdminIo,
  connectionId: ConnectionId,
  workspaceId: WorkspaceId,
): Promise<DescribedConnection> {
  const key = { connectionId, workspaceId };
  const connection = await connectionTable(io).describe(key);
  if (connection === undefined) throw noSuchConnection(key);
  return connection;
}

async function refresh(io: AdminIo, id: ConnectionId, options: RefreshOptions): Promise<void> {
  const { API_URL, API_KEY } = requireEnvironment(io.environment, "API_URL", "API_KEY");
  const { force, minTtlSeconds } = options;
  const { status, outcome, body } = await callRefresh({
    apiUrl: API_URL,
    apiKey: API_KEY,
    connectionId: id,
    workspaceId: options.workspace,
    body: {
      ...(force && { force }),
      ...(minTtlSeconds !== undefined && { min_ttl_seconds: minTtlSeconds }),
    },
  });
  if (status !== 200) {
    const detail = typeof body.detail === "string" ? body.detail : JSON.stringify(body.detail);
    throw new CommandFailed(`the API responded with ${status} ${body.code ?? ""}: ${detail}`);
  }
  const expiresAt = typeof body.expires_at === "string" ? body.expires_at : undefined;
  print(io, options, { connection_id: id, outcome, expires_at: expiresAt });
}

const connectionRow = (connection: DescribedConnection): Row => ({
  connection_id: connection.connectionId,
  workspace_id: connection.workspaceId,
  label: connection.label,
  user_id: connection.userId,
  integration: connection.integration,
  client_registration: connection.registrationName,
  status: connection.status,
  config: Object.entries(connection.config).map(([name, value]) => `${name}=${value}`),
  credentials: connection.credentials === undefined ? undefined : "[redacted]",
  credentials_version: connection.credentialsVersion,
  expires_at: at(isoSecond, connection.expiresAtMs),
  refresh_token_expires_at: at(isoSecond, connection.refreshTokenExpiresAtMs),
  refresh_token_absolute_expires_at: at(isoSecond, connection.refreshTokenAbsoluteExpiresAtMs),
  refresh_at: at(isoSecond, connection.refreshAtMs),
  last_refreshed_at: at(isoInstant, connection.lastRefreshedAtMs),
  lease_expires_at: at(isoInstant, connection.lease?.leaseExpiresAtMs),
  failure: connection.failure?.code,
  failure_count: connection.failure?.count,
  failure_began_at: at(isoInstant, connection.failure?.beganAtMs),
  failure_error: connection.failure?.providerError,
  failure_error_description: connection.failure?.providerErrorDescription,
  created_at: at(isoSecond, connection.createdAtMs),
  updated_at: at(isoSecond, connection.updatedAtMs),
});

const at = (format: (instantMs: number) => string, instantMs: number | undefined) =>
  instantMs === undefined ? undefined : format(instantMs);
