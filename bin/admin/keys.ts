import { Command } from "commander";
import { dynamoDbClient } from "../../functions/adapters/aws/clients.ts";
import {
  type ApiKeyAdmin,
  type DescribedApiKey,
  dynamoDbApiKeyAdmin,
} from "../../functions/adapters/dynamodb/api-keys.ts";
import type { WorkspaceId } from "../../functions/domain/model/connection.ts";
import { isoSecond } from "../../functions/domain/model/instant.ts";
import { collected, scope, wholeNumber, workspaceId } from "./arguments.ts";
import { type AdminIo, CommandFailed, requireEnvironment } from "./io.ts";
import { type OutputOptions, print, printAll, type Row } from "./output.ts";

interface CreateOptions extends OutputOptions {
  readonly workspace: WorkspaceId;
  readonly alsoWorkspace?: readonly WorkspaceId[];
  readonly scope?: readonly string[];
  readonly label?: string;
  readonly expiresInDays?: number;
}

export const keyCommands = (io: AdminIo): Command =>
  new Command("keys")
    .description("the API keys of callers")
    .addCommand(createCommand(io))
    .addCommand(listCommand(io))
    .addCommand(revokeCommand(io));

const createCommand = (io: AdminIo): Command =>
  new Command("create")
    .description("create an API key; it is printed once and cannot be shown again")
    .requiredOption("--workspace <id>", "the key's default workspace", workspaceId)
    .option("--also-workspace <id>", "a further workspace; repeatable", collected(workspaceId))
    .option("--scope <scope>", "a scope that the key is limited to; repeatable", collected(scope))
    .option("--label <text>", "a name for people")
    .option("--expires-in-days <n>", "the key's lifetime; default: unlimited", wholeNumber)
    .option("--json", "print JSON")
    .addHelpText("after", createHelp)
    .action((options: CreateOptions) => create(io, options));

const listCommand = (io: AdminIo): Command =>
  new Command("list")
    .description("list the API keys, without the keys themselves")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  npm run admin -- keys list")
    .action(async (options: OutputOptions) => {
      const listed = await apiKeys(io).list();
      printAll(io, options, listed.map(keyRow), "no API keys");
    });

const revokeCommand = (io: AdminIo): Command =>
  new Command("revoke")
    .description(
      "revoke an API key; the gateway may accept it for another minute (authorizerCacheSeconds)",
    )
    .argument("<key_id>", "the key's id; see: keys list")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  npm run admin -- keys revoke key_0123456789abcdef")
    .action(async (keyId: string, options: OutputOptions) => {
      if (!(await apiKeys(io).revoke(keyId)))
        throw new CommandFailed(`there is no API key ${keyId}. Find its id with: keys list`);
      print(io, options, { key_id: keyId, status: "revoked" });
    });

const createHelp = `
Examples:
  npm run admin -- keys create --workspace wsp_demo --label ci
  npm run admin -- keys create --workspace wsp_a --also-workspace wsp_b --scope connections:refresh --expires-in-days 90`;

async function create(io: AdminIo, options: CreateOptions): Promise<void> {
  const { workspace, alsoWorkspace = [], label, expiresInDays } = options;
  const createdAtMs = Date.now();
  const { key, ...created } = await apiKeys(io).create({
    workspaceId: workspace,
    workspaceIds: alsoWorkspace,
    scopes: options.scope,
    label,
    expiresAtMs: expiresInDays === undefined ? undefined : createdAtMs + expiresInDays * dayMs,
    createdAtMs,
  });
  // Only the key's hash is stored, so that this is the only time that the key is shown.
  print(io, options, { api_key: key.reveal(), ...keyRow(created) });
}

const dayMs = 24 * 60 * 60 * 1000;

function apiKeys({ environment }: AdminIo): ApiKeyAdmin {
  const { API_KEYS_TABLE: tableName } = requireEnvironment(environment, "API_KEYS_TABLE");
  return dynamoDbApiKeyAdmin({ client: dynamoDbClient(), tableName });
}

const keyRow = (key: DescribedApiKey): Row => ({
  key_id: key.keyId,
  label: key.label,
  status: key.status,
  workspace_id: key.workspaceId,
  workspace_ids: key.workspaceIds,
  scopes: key.scopes,
  expires_at: key.expiresAtMs === undefined ? undefined : isoSecond(key.expiresAtMs),
  created_at: key.createdAtMs === undefined ? undefined : isoSecond(key.createdAtMs),
});
