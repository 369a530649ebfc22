import { Command } from "commander";
import { dynamoDbClient, secretsManagerClient } from "../../functions/adapters/aws/clients.ts";
import { systemClock as clock } from "../../functions/adapters/clock/system-clock.ts";
import { MalformedConnection } from "../../functions/adapters/dynamodb/connection-item.ts";
import {
  replaceCredentials,
  storedConnections,
} from "../../functions/adapters/dynamodb/stored-credentials.ts";
import type { DynamoDbTable } from "../../functions/adapters/dynamodb/table-requests.ts";
import type { KmsTokenCipher } from "../../functions/adapters/kms/token-cipher.ts";
import { secretsRegistrationAdmin } from "../../functions/adapters/secrets-manager/registration-admin.ts";
import { issuingEndpoint } from "../../functions/adapters/token-endpoint/issuing-endpoint.ts";
import { withConcurrency } from "../../functions/domain/async/concurrency.ts";
import { type Connection, keyOf } from "../../functions/domain/model/connection.ts";
import type { TokenBinding } from "../../functions/domain/model/token-binding.ts";
import { cipherFor } from "./cipher.ts";
import { type AdminIo, CommandFailed, requireEnvironment } from "./io.ts";
import { type OutputOptions, print } from "./output.ts";

interface ReencryptOptions extends OutputOptions {
  readonly bind?: true;
}

/** Moves every stored token set to the present format and keys. */
export const reencryptCommand = (io: AdminIo): Command =>
  new Command("reencrypt")
    .description("encrypt all token sets anew, in the present format and under the present keys")
    .option("--bind", "bind token sets that are not bound to the endpoint of their registration")
    .option("--json", "print JSON")
    .addHelpText("after", help)
    .action((options: ReencryptOptions) => reencrypt(io, options));

const help = `
A token set that is in the present format (TOKEN_FORMAT, TOKEN_KEY_SOURCE) and under the present KMS key (KMS_KEY_ID)
stays as it is. Any other one is decrypted, also with the keys in FORMER_KMS_KEY_IDS, and encrypted anew. Refreshes go on
meanwhile. An interrupted command can be run again: it continues with those that are left. Nothing is sent to a provider,
except that --bind may read an issuer's metadata.

On AWS, set TOKEN_FORMAT and TOKEN_KEY_SOURCE to the values of the deployment. Without TOKEN_FORMAT, token sets are moved
to format 1.

The command reads the whole table. Before you disable a former KMS key, follow docs/upgrading.md: the rescue queue and the
log may still need it.

Example:
  npm run admin -- connections reencrypt`;

/**
 * - `current`: the token set is in the present format and under the present keys.
 * - `refreshed`: it was replaced by a refresh meanwhile, which makes it current.
 */
type Result = "moved" | "current" | "refreshed" | "failed";
type Progress = Record<Result | "read", number>;

interface Move {
  readonly io: AdminIo;
  readonly table: DynamoDbTable;
  readonly cipher: KmsTokenCipher;
  /** Undefined: token sets that are not bound stay so. */
  readonly readBinding: ReadBinding | undefined;
}

const atATime = 8;
const reportIntervalMs = 5_000;

async function reencrypt(io: AdminIo, options: ReencryptOptions): Promise<void> {
  const { CONNECTIONS_TABLE: tableName } = requireEnvironment(io.environment, "CONNECTIONS_TABLE");
  const table = { client: dynamoDbClient(), tableName };
  const readBinding = options.bind && bindingReader(io);
  const move: Move = { io, table, cipher: cipherFor(io.environment), readBinding };
  const progress: Progress = { read: 0, moved: 0, current: 0, refreshed: 0, failed: 0 };
  const reporting = setInterval(() => report(io, progress), reportIntervalMs);
  try {
    for await (const page of storedConnections(table)) {
      await withConcurrency(page, atATime, async (connection) => {
        progress[await moveOrReport(move, connection)] += 1;
        progress.read += 1;
      });
    }
  } finally {
    clearInterval(reporting);
  }
  print(io, options, progress);
  if (progress.failed === 0) return;
  throw new CommandFailed(
    `${progress.failed} of ${progress.read} token sets were not moved. The reasons are above; correct them and run the command again`,
  );
}

async function moveOrReport(
  move: Move,
  connection: Connection | MalformedConnection,
): Promise<Result> {
  try {
    if (connection instanceof MalformedConnection) throw connection;
    return await moveOne(move, connection);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    move.io.stderr.write(`${nameOf(connection)}${reason}\n`);
    return "failed";
  }
}

async function moveOne(
  { table, cipher, readBinding }: Move,
  connection: Connection,
): Promise<Result> {
  const { credentials, credentialsVersion: version } = connection;
  if (credentials === undefined) return "current";
  const bind = readBinding && (() => readBinding(connection));
  const sealed = await cipher.reseal(credentials, { ...keyOf(connection), version }, bind);
  if (sealed === undefined) return "current";
  return (await replaceCredentials(table, connection, sealed)) ? "moved" : "refreshed";
}

const nameOf = (connection: Connection | MalformedConnection): string =>
  connection instanceof MalformedConnection
    ? ""
    : `connection ${connection.connectionId} of workspace ${connection.workspaceId}: `;

const report = ({ stderr }: AdminIo, { read, moved, current, refreshed, failed }: Progress): void =>
  void stderr.write(
    `${read} read, ${moved} moved, ${current} current, ${refreshed} refreshed meanwhile, ${failed} failed\n`,
  );

type ReadBinding = (connection: Connection) => Promise<TokenBinding | undefined>;

/** Reads each registration once. */
function bindingReader({ environment }: AdminIo): ReadBinding {
  const { SECRET_PREFIX: prefix } = requireEnvironment(environment, "SECRET_PREFIX");
  const admin = secretsRegistrationAdmin({ client: secretsManagerClient(), prefix });
  const registrations = new Map<string, ReturnType<typeof admin.show>>();
  return async ({ registrationName: name, config }) => {
    const registration = registrations.get(name) ?? admin.show(name);
    registrations.set(name, registration);
    const issuing = await issuingEndpoint(
      { clock, allowLoopback: environment.ALLOW_LOOPBACK_PROVIDERS === "true" },
      await registration,
      config,
    );
    if ("reason" in issuing) throw new CommandFailed(issuing.reason);
    return issuing;
  };
}
