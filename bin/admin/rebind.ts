import { Command, InvalidArgumentError } from "commander";
import {
  dynamoDbClient,
  kmsClient,
  secretsManagerClient,
} from "../../functions/adapters/aws/clients.ts";
import {
  type KmsRebindsOptions,
  putRebind,
  removeRebind,
} from "../../functions/adapters/kms/rebinds.ts";
import { secretsRegistrationAdmin } from "../../functions/adapters/secrets-manager/registration-admin.ts";
import type { RegistrationName } from "../../functions/domain/model/connection.ts";
import { tokenCipherConfig } from "../../functions/runtime/config.ts";
import { wrappingKeys } from "../../functions/runtime/token-cipher.ts";
import { registrationName } from "./arguments.ts";
import { type AdminIo, CommandFailed, requireEnvironment } from "./io.ts";
import { type OutputOptions, print } from "./output.ts";

interface RebindOptions extends OutputOptions {
  readonly from: URL;
  readonly to: URL;
  readonly fromClientId?: string;
  readonly undo?: true;
}

/** Permits that the tokens of an integration go to another endpoint or client than the one that issued them. */
export const rebindCommand = (io: AdminIo): Command =>
  new Command("rebind")
    .description("permit that tokens are sent to another origin, endpoint or client_id")
    .argument("<integration>", "the integration's name", registrationName)
    .requiredOption("--from <origin>", "the origin that issued the tokens", url)
    .requiredOption("--to <url>", "the origin or the endpoint that they go to from now on", url)
    .option("--from-client-id <id>", "the client_id that they were issued to, if it changed")
    .option("--undo", "withdraw the permission")
    .option("--json", "print JSON")
    .addHelpText("after", help)
    .action((name: RegistrationName, options: RebindOptions) => rebind(io, name, options));

const help = `
A token set is sent only to the client and the endpoint that issued it. When a provider moves its token endpoint, one
permission lets all token sets of the integration's client follow: each is bound to the new endpoint by its next
refresh. With an endpoint as --to that endpoint is permitted. With an origin the path stays as it was.

The permission is encrypted under the token key with kms:Encrypt, which the functions themselves may not do. They
notice it within five seconds, and a withdrawal within a minute.

Examples:
  npm run admin -- integrations rebind acme --from https://acme.example --to https://auth.acme.example
  npm run admin -- integrations rebind acme --from https://acme.example --to https://acme.example/oauth/v2/token
  npm run admin -- integrations rebind acme --from https://acme.example --to https://acme.example --from-client-id old`;

function url(text: string): URL {
  const parsed = URL.parse(text);
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return parsed;
  throw new InvalidArgumentError("expected https://host, with or without a path");
}

async function rebind(io: AdminIo, name: RegistrationName, options: RebindOptions): Promise<void> {
  const { environment } = io;
  const { SECRET_PREFIX: prefix } = requireEnvironment(environment, "SECRET_PREFIX");
  const admin = secretsRegistrationAdmin({ client: secretsManagerClient(), prefix });
  const { clientId } = await admin.show(name);
  const rebinds = rebindsOf(io);
  const from = { clientId: options.fromClientId ?? clientId, origin: options.from.origin };
  const path = options.to.pathname === "/" ? undefined : options.to.pathname;
  const to = { clientId, origin: options.to.origin, path };
  if (options.undo) {
    const wasThere = await removeRebind(rebinds, from);
    if (!wasThere) throw new CommandFailed(`no permission from ${from.origin} for ${name}`);
  } else {
    await putRebind(rebinds, from, to);
  }
  print(io, options, {
    outcome: options.undo ? "withdrawn" : "permitted",
    ...{ from: from.origin, from_client_id: from.clientId },
    ...{ to: `${to.origin}${path ?? ""}`, client_id: to.clientId },
  });
}

function rebindsOf({ environment }: AdminIo): KmsRebindsOptions {
  const { COORDINATION_TABLE: tableName } = requireEnvironment(
    environment,
    ...(["COORDINATION_TABLE", "KMS_KEY_ID", "BRANCH_KEYS_TABLE", "STAGE"] as const),
  );
  const config = tokenCipherConfig(environment);
  const table = { client: dynamoDbClient(), tableName };
  return { ...wrappingKeys(config, kmsClient()), table, stage: config.stage };
}
