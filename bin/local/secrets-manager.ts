import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type Checked, validated } from "../../functions/validation/check.ts";
import {
  json,
  list,
  nullish,
  object,
  optional,
  withDefault,
} from "../../functions/validation/structures.ts";
import { integer, matching, oneOf, satisfying, string } from "../../functions/validation/values.ts";
import {
  AwsError,
  type AwsJson,
  type AwsJsonServer,
  startAwsJsonServer,
} from "./aws-json-server.ts";
import { parameterReader, text } from "./parameters.ts";
import { readPrivateFile, writePrivateFile } from "./private-file.ts";

export interface SecretsManagerOptions {
  /** The directory of `secrets.json`, which keeps the secrets. @default in memory */
  readonly directory?: string;
  readonly port?: number;
}

const number = satisfying((value): value is number => typeof value === "number", "a number");

const versionCheck = object({
  versionId: string,
  secretString: string,
  stages: list(string),
  createdAtSeconds: number,
});
const secretCheck = object({
  arn: string,
  name: string,
  description: optional(string),
  createdAtSeconds: number,
  /** At most two: the versions with the stages AWSCURRENT and AWSPREVIOUS. */
  versions: list(versionCheck),
});
const secretsFile = json(list(secretCheck));

type SecretVersion = Checked<typeof versionCheck>;
type StoredSecret = Checked<typeof secretCheck>;
type Secrets = Map<string, StoredSecret>;

const maximumPage = 100;

/** A stand-in for Secrets Manager with string values: CreateSecret, PutSecretValue, GetSecretValue, ListSecrets. */
export async function startSecretsManager({
  directory,
  port = 0,
}: SecretsManagerOptions = {}): Promise<AwsJsonServer> {
  const path = directory === undefined ? undefined : join(directory, "secrets.json");
  const secrets = path === undefined ? new Map<string, StoredSecret>() : storedSecrets(path);
  const store = (secret: StoredSecret): void => {
    const stored = new Map(secrets).set(secret.name, secret);
    if (path !== undefined) writePrivateFile(path, JSON.stringify([...stored.values()]));
    secrets.set(secret.name, secret);
  };
  return startAwsJsonServer({
    targetPrefix: "secretsmanager",
    port,
    operations: {
      CreateSecret: (input) => createSecret(secrets, store, input),
      PutSecretValue: (input) => putSecretValue(secrets, store, input),
      GetSecretValue: (input) => getSecretValue(secrets, input),
      ListSecrets: (input) => listSecrets(secrets, input),
    },
  });
}

/** @throws {Error} naming the file, if this stand-in did not write it */
function storedSecrets(path: string): Secrets {
  const content = readPrivateFile(path);
  if (content === undefined) return new Map();
  const secrets = validated(
    secretsFile,
    content,
    () =>
      new Error(
        `${path} does not hold secrets of the local Secrets Manager. Remove it to start without them`,
      ),
  );
  return new Map(secrets.map((secret) => [secret.name, secret]));
}

const read = parameterReader({ missing: "ValidationException", invalid: "ValidationException" });

const versionParameters = object({
  ClientRequestToken: matching(/^.{32,64}$/, "32 to 64 characters"),
  SecretString: text,
});
const createParameters = object({
  Name: matching(/^[A-Za-z0-9/_+=.@-]{1,512}$/, "1 to 512 of A-Z a-z 0-9 / _ + = . @ -"),
  Description: nullish(string),
});
const secretParameters = object({ SecretId: text });
const getParameters = object({ VersionId: nullish(string), VersionStage: nullish(string) });
const listParameters = object({
  MaxResults: withDefault(integer(1, maximumPage), maximumPage),
  NextToken: nullish(string),
  Filters: withDefault(list(object({ Key: oneOf(["name"]), Values: list(string) })), []),
});

type Store = (secret: StoredSecret) => void;

function createSecret(secrets: Secrets, store: Store, input: AwsJson): AwsJson {
  const { Name: name, Description: description } = read(createParameters, input);
  const version = newVersion(input);
  const existing = secrets.get(name);
  if (existing !== undefined && !isRepeated(existing, version)) {
    throw new AwsError("ResourceExistsException", `The secret ${name} already exists.`);
  }
  const suffix = randomBytes(8).toString("hex").slice(0, 6);
  const secret = existing ?? {
    arn: `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-${suffix}`,
    name,
    ...(description !== undefined && { description }),
    createdAtSeconds: version.createdAtSeconds,
    versions: [version],
  };
  if (existing === undefined) store(secret);
  return { ARN: secret.arn, Name: name, VersionId: version.versionId };
}

function putSecretValue(secrets: Secrets, store: Store, input: AwsJson): AwsJson {
  const secret = find(secrets, input);
  const version = newVersion(input);
  if (!isRepeated(secret, version)) {
    const versions = secret.versions
      .filter(({ stages }) => stages.includes("AWSCURRENT"))
      .map((current) => ({ ...current, stages: ["AWSPREVIOUS"] }));
    store({ ...secret, versions: [version, ...versions] });
  }
  const { versionId, stages } = version;
  return { ARN: secret.arn, Name: secret.name, VersionId: versionId, VersionStages: stages };
}

function getSecretValue(secrets: Secrets, input: AwsJson): AwsJson {
  const secret = find(secrets, input);
  const { VersionId: versionId, VersionStage } = read(getParameters, input);
  const stage = VersionStage ?? (versionId ? undefined : "AWSCURRENT");
  const version = secret.versions.find(
    (candidate) =>
      (versionId === undefined || candidate.versionId === versionId) &&
      (stage === undefined || candidate.stages.includes(stage)),
  );
  if (version === undefined) throw notFound("the specified secret value");
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: version.versionId,
    SecretString: version.secretString,
    VersionStages: version.stages,
    CreatedDate: version.createdAtSeconds,
  };
}

/** Lists secrets in the order of their names. A page's token is the last name on it. */
function listSecrets(secrets: Secrets, input: AwsJson): AwsJson {
  const { MaxResults: size, NextToken: token, Filters: filters } = read(listParameters, input);
  const after = token === undefined ? "" : Buffer.from(token, "base64url").toString("utf8");
  const matches = nameFilter(filters);
  const names = [...secrets.keys()].filter((name) => name > after && matches(name)).sort();
  const page = names.slice(0, size);
  const last = page.at(-1);
  return {
    SecretList: page.map((name) => entry(secrets.get(name))),
    ...(last !== undefined && page.length < names.length
      ? { NextToken: Buffer.from(last).toString("base64url") }
      : {}),
  };
}

/** Every filter has to match, with any of its values. The stand-in supports only the key `name`. */
function nameFilter(filters: Checked<typeof listParameters>["Filters"]): (name: string) => boolean {
  if (filters.some(({ Values }) => Values.some((value) => value.startsWith("!")))) {
    throw new AwsError(
      "InvalidParameterException",
      "the stand-in supports only filters by a name's prefix",
    );
  }
  return (name) => filters.every(({ Values }) => Values.some((prefix) => name.startsWith(prefix)));
}

function entry(secret: StoredSecret | undefined): AwsJson {
  if (secret === undefined) return {};
  const stages = secret.versions.map(({ versionId, stages }) => [versionId, stages]);
  return {
    ARN: secret.arn,
    Name: secret.name,
    Description: secret.description,
    CreatedDate: secret.createdAtSeconds,
    LastChangedDate: secret.versions[0]?.createdAtSeconds,
    SecretVersionsToStages: Object.fromEntries(stages),
  };
}

function newVersion(input: AwsJson): SecretVersion {
  const { ClientRequestToken: versionId, SecretString } = read(versionParameters, input);
  if (input.VersionStages !== undefined || input.SecretBinary !== undefined) {
    throw new AwsError(
      "InvalidParameterException",
      "the stand-in supports neither VersionStages nor SecretBinary",
    );
  }
  const createdAtSeconds = Date.now() / 1000;
  return { versionId, secretString: SecretString, stages: ["AWSCURRENT"], createdAtSeconds };
}

/** A request that the SDK repeats names the version that the first one created. */
function isRepeated(
  { versions }: StoredSecret,
  { versionId, secretString }: SecretVersion,
): boolean {
  const repeated = versions.find((version) => version.versionId === versionId);
  if (repeated !== undefined && repeated.secretString !== secretString) {
    throw new AwsError("ResourceExistsException", `The version ${versionId} has another value.`);
  }
  return repeated !== undefined;
}

function find(secrets: Secrets, input: AwsJson): StoredSecret {
  const { SecretId: id } = read(secretParameters, input);
  const secret = secrets.get(id) ?? [...secrets.values()].find(({ arn }) => arn === id);
  if (secret === undefined) throw notFound("the specified secret");
  return secret;
}

const notFound = (what: string): AwsError =>
  new AwsError("ResourceNotFoundException", `Secrets Manager can't find ${what}.`);
