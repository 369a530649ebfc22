import { dynamoDbClient, secretsManagerClient } from "../../functions/adapters/aws/clients.ts";
import { systemClock } from "../../functions/adapters/clock/system-clock.ts";
import {
  dynamoDbConnectionAdmin,
  type PutOutcome,
} from "../../functions/adapters/dynamodb/connection-admin.ts";
import { secretsRegistrationAdmin } from "../../functions/adapters/secrets-manager/registration-admin.ts";
import { issuingEndpoint } from "../../functions/adapters/token-endpoint/issuing-endpoint.ts";
import { assertParametersHaveValues } from "../../functions/adapters/token-endpoint/request/provider-request.ts";
import {
  type ConnectionKey,
  nextVersion,
  type RegistrationName,
} from "../../functions/domain/model/connection.ts";
import { earlier } from "../../functions/domain/model/instant.ts";
import type { Secret } from "../../functions/domain/model/secret.ts";
import type { ClientRegistration } from "../../functions/domain/ports/client-registration.ts";
import { assumedEnd } from "../../functions/domain/schedule/assumed-end.ts";
import { defaultSweepIntervalSeconds, nextDue } from "../../functions/domain/schedule/due.ts";
import type { Environment } from "../../functions/runtime/environment.ts";
import { cipherFor } from "./cipher.ts";
import { requireEnvironment } from "./io.ts";
import { type GivenTokens, parseTokens } from "./token-input.ts";

export interface NewConnection extends ConnectionKey {
  readonly integration: string;
  /** Undefined: the integration's registration. */
  readonly registrationName?: RegistrationName | undefined;
  readonly label?: string | undefined;
  readonly userId?: string | undefined;
  readonly config?: Readonly<Record<string, string>> | undefined;
}

export interface GivenCredentials {
  /** A refresh token or a token response; see {@link parseTokens}. */
  readonly input: Secret;
  /** The time of the user's consent, from which a refresh token's absolute end counts. @default now */
  readonly consentedAtMs?: number | undefined;
}

export interface PutConnection {
  readonly outcome: PutOutcome;
  /** Irregularities of the credentials, in words that quote nothing. */
  readonly notes: readonly string[];
}

/**
 * Stores a connection with its first token set, sealed, and puts it on the schedule.
 *
 * @throws {MisconfiguredRegistration} its client registration is absent or cannot be used, or the
 *   connection's config lacks a variable of the token endpoint
 * @throws {ForeignConnection} the id belongs to another workspace
 * @throws {CommandFailed} a variable of the environment is missing, or the credentials cannot be read
 */
export async function putConnection(
  environment: Environment,
  connection: NewConnection,
  { input, consentedAtMs }: GivenCredentials,
): Promise<PutConnection> {
  const { CONNECTIONS_TABLE, SECRET_PREFIX } = requireEnvironment(
    environment,
    ...(["CONNECTIONS_TABLE", "SECRET_PREFIX"] as const),
  );
  const cipher = cipherFor(environment);
  const { connectionId, workspaceId, integration, registrationName, config = {} } = connection;
  const registration = await secretsRegistrationAdmin({
    client: secretsManagerClient(),
    prefix: SECRET_PREFIX,
  }).show(registrationName ?? (`integrations/${integration}` as RegistrationName));
  const clock = systemClock;
  const issuing = await issuingEndpoint({ clock, allowLoopback: true }, registration, config);
  const binding = "reason" in issuing ? undefined : issuing;
  assertParametersHaveValues(registration, config);
  const nowMs = clock.nowMs();
  const given = parseTokens(input, nowMs, registration);
  const { expiresAtMs } = given.tokens;
  const { refreshTokenExpiresAtMs } = given;
  const assumed = assumedEnd({ ...given, expiresAtMs }, undefined, nowMs);
  const absoluteExpiresAtMs = absoluteEndMs(registration, given, consentedAtMs ?? nowMs);
  const admin = dynamoDbConnectionAdmin({ client: dynamoDbClient(), tableName: CONNECTIONS_TABLE });
  const key = { connectionId, workspaceId };
  const former = await admin.storedVersion(key);
  const expectedVersion = former?.isDeleted ? undefined : former?.version;
  const version = nextVersion(former?.version ?? 0, nowMs);
  const outcome = await admin.put({
    ...{ connectionId, workspaceId, integration, registrationName },
    ...{ label: connection.label, userId: connection.userId, config },
    ...{ expectedVersion, version },
    credentials: await cipher.seal(given.tokens, { ...key, version }, binding),
    expiresAtMs,
    assumedExpiresAtMs: assumed?.atMs,
    refreshTokenExpiresAtMs: earlier(refreshTokenExpiresAtMs, absoluteExpiresAtMs),
    refreshTokenAbsoluteExpiresAtMs: absoluteExpiresAtMs,
    due: nextDue(
      registration,
      { connectionId, expiresAtMs: expiresAtMs ?? assumed?.atMs, refreshTokenExpiresAtMs },
      nowMs,
      Math.random(),
      { sweepIntervalMs: longestWaitMs },
    ),
    putAtMs: nowMs,
  });
  const assumption = assumed === undefined ? [] : [assumedNotes[assumed.from]];
  const unbound = "reason" in issuing ? [`${unboundNote}: ${issuing.reason}`] : [];
  return { outcome, notes: [...given.notes, ...assumption, ...unbound] };
}

const unboundNote =
  "the first refresh binds the tokens to the endpoint that issues them, which is not known yet";

const assumedNotes = {
  jwt_exp: "the access token's expiry is not stated; the token's own exp is assumed",
  previous_lifetime:
    "the access token's expiry is not stated; the former token's lifetime is assumed",
  default_lifetime: "the access token's expiry is not stated; one hour is assumed",
} as const;

/**
 * Two sweeps of the default deployment may be almost two intervals apart. Where they are closer, the connection is due
 * a minute earlier than necessary.
 */
const longestWaitMs = 2 * defaultSweepIntervalSeconds * 1000;

/** The provider's own statement, or else the catalogue's time after the user's consent. */
const absoluteEndMs = (
  { refreshTokenAbsoluteSeconds }: ClientRegistration,
  { refreshTokenAbsoluteExpiresAtMs: statedMs }: GivenTokens,
  consentedAtMs: number,
): number | undefined =>
  statedMs ??
  (refreshTokenAbsoluteSeconds === undefined
    ? undefined
    : consentedAtMs + refreshTokenAbsoluteSeconds * 1000);
