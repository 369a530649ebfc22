import {
  GetSecretValueCommand,
  type GetSecretValueResponse,
  type SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import type { RegistrationName } from "../../domain/model/connection.ts";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import type { ClientRegistration } from "../../domain/ports/client-registration.ts";
import {
  misconfigured,
  parseClientRegistration,
} from "../client-registration/client-registration.ts";

export interface RegistrationSecrets {
  readonly client: SecretsManagerClient;
  /** The secret of registration `integrations/acme` is `<prefix>/integrations/acme`. */
  readonly prefix: string;
}

export const secretIdOf = (prefix: string, name: RegistrationName): string => `${prefix}/${name}`;

/**
 * Reads one registration. Its version is the secret's version id: it changes with every new value and, unlike a
 * digest, reveals nothing about the value when it is stored or logged.
 *
 * @throws {MisconfiguredRegistration} the secret is absent, invalid, or not readable by this process
 * @throws {StoreUnavailable} any other error
 */
export async function readRegistration(
  secrets: RegistrationSecrets,
  name: RegistrationName,
): Promise<ClientRegistration> {
  const { SecretString: json, VersionId: version } = await getSecretValue(secrets, name);
  if (json === undefined || version === undefined) {
    throw misconfigured(name, `the secret ${secretIdOf(secrets.prefix, name)} holds no string`);
  }
  return parseClientRegistration(name, version, json);
}

async function getSecretValue(
  { client, prefix }: RegistrationSecrets,
  name: RegistrationName,
): Promise<GetSecretValueResponse> {
  const secretId = secretIdOf(prefix, name);
  try {
    return await client.send(new GetSecretValueCommand({ SecretId: secretId }));
  } catch (error) {
    const refusal = error instanceof Error ? refusals[error.name] : undefined;
    if (refusal !== undefined) throw misconfigured(name, `the secret ${secretId} ${refusal}`);
    throw new StoreUnavailable("Secrets Manager", error);
  }
}

/**
 * The cause and the next step for an operator, by the name of the error of Secrets Manager.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html#API_GetSecretValue_Errors
 */
const refusals: Readonly<Record<string, string>> = {
  ResourceNotFoundException: "does not exist",
  InvalidRequestException: "is marked for deletion, or has no current version",
  DecryptionFailure: "cannot be decrypted: check the KMS key that it is encrypted under",
  AccessDeniedException:
    "is not readable: allow the role secretsmanager:GetSecretValue on it, and kms:Decrypt if a key of your own encrypts it",
  InvalidParameterException: "has a name that Secrets Manager does not accept",
  ValidationException: "has a name that Secrets Manager does not accept",
};
