import { Command } from "commander";
import { dynamoDbClient } from "../../functions/adapters/aws/clients.ts";
import {
  dynamoDbHoldAdmin,
  type HoldAdmin,
} from "../../functions/adapters/dynamodb/integration-holds.ts";
import type { RegistrationName, WorkspaceId } from "../../functions/domain/model/connection.ts";
import { isoSecond } from "../../functions/domain/model/instant.ts";
import type { IntegrationHold } from "../../functions/domain/model/integration-hold.ts";
import { registrationName, workspaceId } from "./arguments.ts";
import { type AdminIo, CommandFailed, requireEnvironment } from "./io.ts";
import { type OutputOptions, printAll, type Row } from "./output.ts";

function holdAdmin({ environment }: AdminIo): HoldAdmin {
  const { COORDINATION_TABLE: tableName } = requireEnvironment(environment, "COORDINATION_TABLE");
  return dynamoDbHoldAdmin({ client: dynamoDbClient(), tableName });
}

/** Reads the holds of an integration, as rows of the output. */
export function holdReader(io: AdminIo): (name: RegistrationName) => Promise<readonly Row[]> {
  const admin = holdAdmin(io);
  return async (name) => (await admin.holds(name)).map((hold) => holdRow(name, hold));
}

const holdRow = (name: RegistrationName, hold: IntegrationHold): Row => ({
  name,
  cause: hold.reason,
  origin: hold.scope.origin ?? "all",
  workspace: hold.scope.workspaceId ?? "all",
  since: isoSecond(hold.beganAtMs),
  until: isoSecond(hold.untilMs),
  connections: hold.failing.map(({ connectionId }) => connectionId),
});

interface ReleaseOptions extends OutputOptions {
  readonly origin?: string;
  readonly workspace?: WorkspaceId;
  readonly all?: boolean;
}

export const releaseCommand = (io: AdminIo): Command =>
  new Command("release")
    .description("release a hold, so that its connections are refreshed again at once")
    .argument("<integration>", "the integration's name", registrationName)
    .option("--origin <origin>", "only the hold of this origin; see: integrations show")
    .option("--workspace <id>", "only the hold of this workspace", workspaceId)
    .option("--all", "all holds of the integration")
    .option("--json", "print JSON")
    .addHelpText("after", releaseHelp)
    .action((name: RegistrationName, options: ReleaseOptions) => release(io, name, options));

const releaseHelp = `
All processes follow the release within two seconds. If the provider still fails, its connections are held again.

Examples:
  npm run admin -- integrations show acme
  npm run admin -- integrations release acme
  npm run admin -- integrations release acme --origin https://eu.acme.example`;

async function release(io: AdminIo, name: RegistrationName, options: ReleaseOptions) {
  const admin = holdAdmin(io);
  const holds = await admin.holds(name);
  const chosen = holds.filter((hold) => isChosen(hold, options));
  if (chosen.length === 0) {
    throw new CommandFailed(
      holds.length === 0
        ? `${name} has no holds`
        : `no hold of ${name} matches. See: integrations show ${name}`,
    );
  }
  if (chosen.length > 1 && !options.all) {
    throw new CommandFailed(
      `${name} has ${chosen.length} holds. Choose one with --origin and --workspace, or release them with --all`,
    );
  }
  for (const hold of chosen) {
    if (await admin.release(name, hold)) continue;
    throw new CommandFailed(`the hold of ${name} has changed meanwhile. Run the command again`);
  }
  printAll(
    io,
    options,
    chosen.map((hold) => holdRow(name, hold)),
    "no holds",
  );
}

const isChosen = ({ scope }: IntegrationHold, { origin, workspace }: ReleaseOptions): boolean =>
  (origin === undefined || scope.origin === origin) &&
  (workspace === undefined || scope.workspaceId === workspace);
