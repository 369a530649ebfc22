import { Command } from "commander";
import { dynamoDbClient } from "../../functions/adapters/aws/clients.ts";
import {
  type DescribedConnection,
  dynamoDbConnectionAdmin,
} from "../../functions/adapters/dynamodb/connection-admin.ts";
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
import { type AdminIo, CommandFailed, requireEnvironment } from "./io.ts";
import { listCommand } from "./list-connections.ts";
import { type OutputOptions, print, type Row } from "./output.ts";
import { putConnection } from "./put-connection.ts";
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

export function connectionCommands(io: AdminIo): Command {
  const connections = new Command("connections").description("users' connections and their tokens");
  connections
    .command("put")
    .description("create a connection, or give it new tokens")
    .argument("<connection_id>", "its name", connectionId)
    .requiredOption("--workspace <id>", "whose it is", workspaceId)
    .requiredOption("--integration <name>", "whose tokens they are", integrationName)
    .option("--registration <name>", "a client registration of its own", registrationName)
    .option("--label <text>", "what people call it")
    .option("--user <id>", "who consented")
    .option("--config <key=value>", "fills a variable of the token endpoint; repeatable", keyValue)
    .option("--consented-at <instant>", "if not now; ISO 8601 in UTC", pastInstantMs)
    .option("--json", "for machines")
    .addHelpText("after", putHelp)
    .action((id: ConnectionId, options: PutOptions) => put(io, id, options));
  connections.addCommand(listCommand(io));
  connections
    .command("show")
    .description("show a connection, its tokens redacted")
    .argument("<connection_id>", "its name", connectionId)
    .requiredOption("--workspace <id>", "whose it is", workspaceId)
    .option("--json", "for machines")
    .addHelpText(
      "after",
      "\nExample:\n  npm run admin -- connections show conn_demo --workspace wsp_demo",
    )
    .action((id: ConnectionId, options: WorkspaceOptions) => show(io, id, options));
  connections
    .command("refresh")
    .description("refresh a connection through the API")
    .argument("<connection_id>", "its name", connectionId)
    .option("--workspace <id>", "whose it is; else the API key's default", workspaceId)
    .option("--force", "even if it was refreshed a moment ago")
    .option("--min-ttl-seconds <n>", "only if the access token ends sooner", wholeNumber)
    .option("--json", "for machines")
    .addHelpText("after", refreshHelp)
    .action((id: ConnectionId, options: RefreshOptions) => refresh(io, id, options));
  return connections;
}

const putHelp = `
The refresh token is read from stdin, or asked for; a whole token response, in JSON or in a form, does as well.
Its member dpop_jwk, a private JWK, is the key that the tokens are bound to (RFC 9449).

Examples:
  npm run admin -- connections put conn_x --workspace wsp_demo --integration acme < refresh-token
  npm run admin -- connections put conn_y --workspace wsp_demo --integration acme --config subdomain=eu < token-response.json`;

const refreshHelp = `
The environment names the API and the key: API_URL, API_KEY.

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
  { environment }: AdminIo,
  id: ConnectionId,
  workspace: WorkspaceId,
): Promise<DescribedConnection> {
  const { CONNECTIONS_TABLE: tableName } = requireEnvironment(environment, "CONNECTIONS_TABLE");
  const admin = dynamoDbConnectionAdmin({ client: dynamoDbClient(), tableName });
  const connection = await admin.describe({ connectionId: id, workspaceId: workspace });
  if (connection === undefined) {
    throw new CommandFailed(`there is no connection ${id} in workspace ${workspace}`);
  }
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
    throw new CommandFailed(`${status} ${body.code ?? ""}: ${detail}`);
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
