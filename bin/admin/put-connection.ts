import {
  dynamoDbClient,
  kmsClient,
  secretsManagerClient,
} from "../../functions/adapters/aws-clients.ts";
import {
  dynamoDbConnectionAdmin,
  type PutOutcome,
} from "../../functions/adapters/dynamodb-connection-admin.ts";
import { kmsTokenCipher } from "../../functions/adapters/kms-token-cipher.ts";
import { secretsRegistrationAdmin } from "../../functions/adapters/secrets-registration-admin.ts";
import { systemClock } from "../../functions/adapters/system-clock.ts";
import type { Environment } from "../../functions/config.ts";
import type { ConnectionKey, RegistrationName } from "../../functions/domain/connection.ts";
import { defaultSweepIntervalSeconds, nextDue } from "../../functions/domain/schedule.ts";
import { requireEnvironment } from "./io.ts";
import type { GivenTokens } from "./token-input.ts";

export interface NewConnection extends ConnectionKey {
  readonly integration: string;
  /** Undefined: the integration's own. */
  readonly registrationName?: RegistrationName | undefined;
  readonly label?: string | undefined;
  readonly userId?: string | undefined;
  readonly config?: Readonly<Record<string, string>> | undefined;
}

/**
 * Stores a connection with its first token set, sealed, and puts it on the schedule.
 *
 * @throws {MisconfiguredRegistration} its client registration is absent or cannot be used
 * @throws {ForeignConnection} the id is another workspace's
 * @throws {CommandFailed} the environment does not say where to
 */
export async function putConnection(
  environment: Environment,
  connection: NewConnection,
  given: Pick<GivenTokens, "tokens" | "refreshTokenExpiresAtMs">,
): Promise<PutOutcome> {
  const { CONNECTIONS_TABLE, SECRET_PREFIX, KMS_KEY_ID } = requireEnvironment(
    environment,
    ...(["CONNECTIONS_TABLE", "SECRET_PREFIX", "KMS_KEY_ID"] as const),
  );
  const { connectionId, workspaceId, integration, registrationName } = connection;
  const { tokens, refreshTokenExpiresAtMs } = given;
  const registration = await secretsRegistrationAdmin({
    client: secretsManagerClient(),
    prefix: SECRET_PREFIX,
  }).show(registrationName ?? (`integrations/${integration}` as RegistrationName));
  const clock = systemClock;
  const cipher = kmsTokenCipher({ client: kmsClient(), keyId: KMS_KEY_ID, clock });
  const credentials = await cipher.seal(tokens, { connectionId, workspaceId });
  const nowMs = clock.nowMs();
  return dynamoDbConnectionAdmin({ client: dynamoDbClient(), tableName: CONNECTIONS_TABLE }).put({
    ...{ connectionId, workspaceId, integration, registrationName },
    ...{ label: connection.label, userId: connection.userId, config: connection.config ?? {} },
    credentials,
    expiresAtMs: tokens.expiresAtMs,
    refreshTokenExpiresAtMs,
    due: nextDue(
      registration,
      { connectionId, expiresAtMs: tokens.expiresAtMs, refreshTokenExpiresAtMs },
      nowMs,
      Math.random(),
      { sweepIntervalMs: defaultSweepIntervalSeconds * 1000 },
    ),
    putAtMs: nowMs,
  });
}
