import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  AwsError,
  type AwsJson,
  type AwsJsonServer,
  optionalString,
  requiredString,
  startAwsJsonServer,
} from "./aws-json-server.ts";
import { readPrivateFile, writePrivateFile } from "./private-file.ts";

export interface SecretsManagerOptions {
  /** Keeps the secrets in `secrets.json` there; without it they end with the process. */
  readonly directory?: string;
  readonly port?: number;
}

interface StoredSecret {
  readonly arn: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly createdAtSeconds: number;
  /** At most two: what AWSCURRENT and AWSPREVIOUS stand at. */
  readonly versions: readonly SecretVersion[];
}

interface SecretVersion {
  readonly versionId: string;
  readonly secretString: string;
  readonly stages: readonly string[];
  readonly createdAtSeconds: number;
}

type Secrets = Map<string, StoredSecret>;

const maximumPage = 100;

/** A stand-in for Secrets Manager: CreateSecret, PutSecretValue, GetSecretValue, ListSecrets; string values. */
export async function startSecretsManager({
  directory,
  port = 0,
}: SecretsManagerOptions = {}): Promise<AwsJsonServer> {
  const path = directory === undefined ? undefined : join(directory, "secrets.json");
  const secrets = path === undefined ? new Map<string, StoredSecret>() : keptSecrets(path);
  const keep = (secret: StoredSecret): void => {
    const kept = new Map(secrets).set(secret.name, secret);
    if (path !== undefined) writePrivateFile(path, JSON.stringify([...kept.values()]));
    secrets.set(secret.name, secret);
  };
  return startAwsJsonServer({
    targetPrefix: "secretsmanager",
    port,
    operations: {
      CreateSecret: (input) => createSecret(secrets, keep, input),
      PutSecretValue: (input) => putSecretValue(secrets, keep, input),
      GetSecretValue: (input) => getSecretValue(secrets, input),
      ListSecrets: (input) => listSecrets(secrets, input),
    },
  });
}

/** @throws {Error} naming the file, when it is not one that this stand-in wrote */
function keptSecrets(path: string): Secrets {
  const content = readPrivateFile(path);
  if (content === undefined) return new Map();
  try {
    const secrets: StoredSecret[] = JSON.parse(content);
    return new Map(secrets.map((secret) => [secret.name, secret]));
  } catch {
    // The parser's message quotes the file, which holds secrets.
    throw new Error(`${path} does not hold secrets of the local Secrets Manager; remove it`);
  }
}

type Keep = (secret: StoredSecret) => void;

function createSecret(secrets: Secrets, keep: Keep, input: AwsJson): AwsJson {
  const name = requiredString(input, "Name");
  if (!/^[A-Za-z0-9/_+=.@-]{1,512}$/.test(name)) {
    throw new AwsError("ValidationException", "Name has a character that no secret's name has");
  }
  const version = newVersion(input);
  const existing = secrets.get(name);
  if (existing !== undefined && !isRepeated(existing, version)) {
    throw new AwsError("ResourceExistsException", `The secret ${name} already exists.`);
  }
  const suffix = randomBytes(8).toString("hex").slice(0, 6);
  const secret = existing ?? {
    arn: `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-${suffix}`,
    name,
    description: optionalString(input, "Description"),
    createdAtSeconds: version.createdAtSeconds,
    versions: [version],
  };
  if (existing === undefined) keep(secret);
  return { ARN: secret.arn, Name: name, VersionId: version.versionId };
}

function putSecretValue(secrets: Secrets, keep: Keep, input: AwsJson): AwsJson {
  const secret = find(secrets, input);
  const version = newVersion(input);
  if (!isRepeated(secret, version)) {
    const versions = secret.versions
      .filter(({ stages }) => stages.includes("AWSCURRENT"))
      .map((current) => ({ ...current, stages: ["AWSPREVIOUS"] }));
    keep({ ...secret, versions: [version, ...versions] });
  }
  const { versionId, stages } = version;
  return { ARN: secret.arn, Name: secret.name, VersionId: versionId, VersionStages: stages };
}

function getSecretValue(secrets: Secrets, input: AwsJson): AwsJson {
  const secret = find(secrets, input);
  const versionId = optionalString(input, "VersionId");
  const stage = optionalString(input, "VersionStage") ?? (versionId ? undefined : "AWSCURRENT");
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

/** In the order of their names; a page's token is the last name on it. */
function listSecrets(secrets: Secrets, input: AwsJson): AwsJson {
  const { MaxResults: size = maximumPage } = input;
  if (!Number.isInteger(size) || Number(size) < 1 || Number(size) > maximumPage) {
    throw new AwsError("ValidationException", `MaxResults is 1 to ${maximumPage}`);
  }
  const token = optionalString(input, "NextToken");
  const after = token === undefined ? "" : Buffer.from(token, "base64url").toString("utf8");
  const matches = nameFilter(input);
  const names = [...secrets.keys()].filter((name) => name > after && matches(name)).sort();
  const page = names.slice(0, Number(size));
  const last = page.at(-1);
  return {
    SecretList: page.map((name) => entry(secrets.get(name))),
    ...(last !== undefined && page.length < names.length
      ? { NextToken: Buffer.from(last).toString("base64url") }
      : {}),
  };
}

/** Every filter has to match, with any of its values. Of the keys that AWS knows, only `name`. */
function nameFilter({ Filters: filters = [] }: AwsJson): (name: string) => boolean {
  const prefixes = (filters as { Key?: string; Values?: string[] }[]).map(({ Key, Values }) => {
    if (Key !== "name" || !Array.isArray(Values) || Values.some((value) => value.startsWith("!"))) {
      throw new AwsError("InvalidParameterException", "the stand-in filters by name prefix only");
    }
    return Values;
  });
  return (name) => prefixes.every((any) => any.some((prefix) => name.startsWith(prefix)));
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
  const versionId = requiredString(input, "ClientRequestToken");
  if (!/^.{32,64}$/.test(versionId)) {
    throw new AwsError("ValidationException", "ClientRequestToken has 32 to 64 characters");
  }
  if (input.VersionStages !== undefined || input.SecretBinary !== undefined) {
    throw new AwsError("InvalidParameterException", "the stand-in keeps current strings only");
  }
  const secretString = requiredString(input, "SecretString");
  const createdAtSeconds = Date.now() / 1000;
  return { versionId, secretString, stages: ["AWSCURRENT"], createdAtSeconds };
}

/** A request that the SDK sent again names the version that the first one made. */
function isRepeated(
  { versions }: StoredSecret,
  { versionId, secretString }: SecretVersion,
): boolean {
  const made = versions.find((version) => version.versionId === versionId);
  if (made !== undefined && made.secretString !== secretString) {
    throw new AwsError("ResourceExistsException", `The version ${versionId} has another value.`);
  }
  return made !== undefined;
}

function find(secrets: Secrets, input: AwsJson): StoredSecret {
  const id = requiredString(input, "SecretId");
  const secret = secrets.get(id) ?? [...secrets.values()].find(({ arn }) => arn === id);
  if (secret === undefined) throw notFound("the specified secret");
  return secret;
}

const notFound = (what: string): AwsError =>
  new AwsError("ResourceNotFoundException", `Secrets Manager can't find ${what}.`);
