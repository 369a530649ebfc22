import {
  CreateSecretCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
} from "@aws-sdk/client-secrets-manager";
import { isRegistrationName, type RegistrationName } from "../../domain/model/connection.ts";
import { MisconfiguredRegistration } from "../../domain/model/errors.ts";
import type { ClientRegistration } from "../../domain/ports/client-registration.ts";
import {
  type ClientRegistrationDraft,
  parseClientRegistration,
  registrationJson,
} from "../client-registration/client-registration.ts";
import { type RegistrationSecrets, readRegistration, secretIdOf } from "./registration-secret.ts";

/** The registrations, for the CLI. A client secret prints as `[redacted]` everywhere. */
export interface RegistrationAdmin {
  /**
   * Creates the registration, or replaces all of it.
   * @throws {MisconfiguredRegistration} the draft is invalid; nothing is written
   */
  put(name: RegistrationName, draft: ClientRegistrationDraft): Promise<PutRegistration>;
  /** In the order of their names. Registrations of the last minutes may be missing, because ListSecrets lags. */
  list(): Promise<readonly ListedRegistration[]>;
  /**
   * @throws {MisconfiguredRegistration} absent or invalid
   * @throws {StoreUnavailable}
   */
  show(name: RegistrationName): Promise<ClientRegistration>;
}

export interface PutRegistration {
  readonly outcome: "created" | "replaced";
  readonly registration: ClientRegistration;
}

export type ListedRegistration =
  | { readonly name: RegistrationName; readonly registration: ClientRegistration }
  /** `fault` says why the registration cannot be used. */
  | { readonly name: RegistrationName; readonly fault: string };

export const secretsRegistrationAdmin = (secrets: RegistrationSecrets): RegistrationAdmin => ({
  async put(name, draft) {
    const json = registrationJson(draft);
    parseClientRegistration(name, "", json);
    const replacing = await replace(secrets, name, json);
    const version = replacing ?? (await create(secrets, name, json));
    return {
      outcome: replacing === undefined ? "created" : "replaced",
      registration: parseClientRegistration(name, version, json),
    };
  },

  async list() {
    const listed: ListedRegistration[] = [];
    for await (const name of registrationNames(secrets))
      listed.push(await readListed(secrets, name));
    return listed.sort((a, b) => (a.name < b.name ? -1 : 1));
  },

  show: (name) => readRegistration(secrets, name),
});

/** @returns the new version; undefined: there is no such secret */
async function replace(
  { client, prefix }: RegistrationSecrets,
  name: RegistrationName,
  json: string,
): Promise<string | undefined> {
  try {
    const { VersionId = "" } = await client.send(
      new PutSecretValueCommand({ SecretId: secretIdOf(prefix, name), SecretString: json }),
    );
    return VersionId;
  } catch (error) {
    if (error instanceof Error && error.name === "ResourceNotFoundException") return undefined;
    throw error;
  }
}

async function create(
  { client, prefix }: RegistrationSecrets,
  name: RegistrationName,
  json: string,
): Promise<string> {
  const { VersionId = "" } = await client.send(
    new CreateSecretCommand({
      Name: secretIdOf(prefix, name),
      Description: "OAuth client registration",
      SecretString: json,
    }),
  );
  return VersionId;
}

async function* registrationNames({
  client,
  prefix,
}: RegistrationSecrets): AsyncGenerator<RegistrationName> {
  const Filters = [{ Key: "name" as const, Values: [`${prefix}/`] }];
  let NextToken: string | undefined;
  do {
    const page = await client.send(new ListSecretsCommand({ Filters, NextToken }));
    for (const { Name = "" } of page.SecretList ?? []) {
      const name = Name.slice(prefix.length + 1);
      if (isRegistrationName(name)) yield name;
    }
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
}

async function readListed(
  secrets: RegistrationSecrets,
  name: RegistrationName,
): Promise<ListedRegistration> {
  try {
    return { name, registration: await readRegistration(secrets, name) };
  } catch (error) {
    if (error instanceof MisconfiguredRegistration) return { name, fault: error.message };
    throw error;
  }
}
