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

export function keyCommands(io: AdminIo): Command {
  const keys = new Command("keys").description("API keys of those who call the API");
  keys
    .command("create")
    .description("create an API key and print it, this once")
    .requiredOption("--workspace <id>", "its default workspace", workspaceId)
    .option("--also-workspace <id>", "a further one; repeatable", collected(workspaceId))
    .option("--scope <scope>", "limits the key to this; repeatable", collected(scope))
    .option("--label <text>", "what people call it")
    .option("--expires-in-days <n>", "default: never", wholeNumber)
    .option("--json", "for machines")
    .addHelpText("after", createHelp)
    .action((options: CreateOptions) => create(io, options));
  keys
    .command("list")
    .description("list the API keys, without the keys themselves")
    .option("--json", "for machines")
    .addHelpText("after", "\nExample:\n  npm run admin -- keys list")
    .action(async (options: OutputOptions) => {
      const listed = await apiKeys(io).list();
      printAll(io, options, listed.map(keyRow), "there is no API key");
    });
  keys
    .command("revoke")
    .description("revoke an API key; the gateway may remember it for a minute")
    .argument("<key_id>", "as `keys list` tells it")
    .option("--json", "for machines")
    .addHelpText("after", "\nExample:\n  npm run admin -- keys revoke key_0123456789abcdef")
    .action(async (keyId: string, options: OutputOptions) => {
      if (!(await apiKeys(io).revoke(keyId))) throw new CommandFailed(`there is no key ${keyId}`);
      print(io, options, { key_id: keyId, status: "revoked" });
    });
  return keys;
}

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
  // The one place where a key is shown: it is not stored.
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
