import { CreateKeyCommand } from "@aws-sdk/client-kms";
import { CreateSecretCommand } from "@aws-sdk/client-secrets-manager";
import { cipherFor } from "../../../bin/admin/cipher.ts";
import {
  dynamoDbClient,
  kmsClient,
  secretsManagerClient,
} from "../../../functions/adapters/aws/clients.ts";
import { dynamoDbConnectionStore } from "../../../functions/adapters/dynamodb/connection-store.ts";
import { replaceCredentials } from "../../../functions/adapters/dynamodb/stored-credentials.ts";
import { isPacked } from "../../../functions/adapters/kms/packed-jwe.ts";
import type {
  Connection,
  ConnectionId,
  SealedTokenSet,
} from "../../../functions/domain/model/connection.ts";
import type { TokenBinding } from "../../../functions/domain/model/token-binding.ts";
import { runCommand } from "../../support/admin-cli.ts";
import { type LocalAws, startLocalAws } from "../../support/local-aws.ts";
import { putItem, tableNames } from "../../support/local-dynamodb.ts";
import { connection, tokenSet } from "../../support/refresh-harness.ts";

let aws: LocalAws;
let formerKey: string;
let newKey: string;

beforeAll(async () => {
  aws = await startLocalAws();
  Object.assign(process.env, aws.environment);
  formerKey = aws.kms.keyArn;
  newKey = (await kmsClient().send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? "";
  await secretsManagerClient().send(
    new CreateSecretCommand({
      Name: "refresh/integrations/acme",
      SecretString: JSON.stringify({
        ...{ client_id: "client", client_secret: "secret" },
        token_endpoint: "https://provider.example/token",
      }),
    }),
  );
});
afterAll(() => aws.close());

const before = () => ({ ...process.env, KMS_KEY_ID: formerKey });
const after = () => ({ ...process.env, KMS_KEY_ID: newKey, FORMER_KMS_KEY_IDS: formerKey });

const binding: TokenBinding = {
  ...{ clientId: "client", origin: "https://provider.example", path: "/token" },
};

async function store(id: string, bound: TokenBinding | "unbound" = binding): Promise<Connection> {
  const stored = connection({ connectionId: id as ConnectionId, credentialsVersion: 7 });
  const place = { ...stored, version: 7 };
  const credentials = await cipherFor(before()).seal(
    tokenSet(`rt-of-${id}`),
    place,
    bound === "unbound" ? undefined : bound,
  );
  await putItem(dynamoDbClient(), { ...stored, credentials });
  return stored;
}

const read = async (key: Connection) => {
  const table = { client: dynamoDbClient(), tableName: tableNames.connections };
  const { credentials = "" as SealedTokenSet } =
    (await dynamoDbConnectionStore(table).read(key)) ?? {};
  return credentials;
};

async function reencrypt(environment: NodeJS.ProcessEnv, ...options: string[]) {
  const command = ["connections", "reencrypt", "--json", ...options];
  const { exitCode, stdout, stderr } = await runCommand(command, environment);
  return { exitCode, stderr, counts: JSON.parse(stdout) };
}

test.each([
  ["1", "branch"],
  ["2", "branch"],
  ["2", "connection"],
])("moves all token sets to the new key, and to format %s of source %s", async (format, source) => {
  const stored = await Promise.all(["a", "b", "c"].map((id) => store(`conn_${id}`)));
  const environment = { ...after(), TOKEN_FORMAT: format, TOKEN_KEY_SOURCE: source };
  expect((await reencrypt(environment)).counts).toMatchObject({ moved: 3, failed: 0 });

  const withoutFormer = { ...environment, FORMER_KMS_KEY_IDS: "" };
  for (const one of stored) {
    const sealed = await read(one);
    expect(isPacked(sealed)).toBe(format === "2");
    const opened = await cipherFor(withoutFormer).open(sealed, { ...one, version: 7 });
    expect(opened.tokens.refreshToken?.reveal()).toBe(`rt-of-${one.connectionId}`);
    expect(opened.binding).toEqual(binding);
  }
  expect((await reencrypt(environment)).counts).toEqual({
    ...{ read: 3, moved: 0, current: 3, refreshed: 0, failed: 0 },
  });
});

test("leaves a token set alone that a refresh has replaced meanwhile", async () => {
  const stored = await store("conn_a");
  const table = { client: dynamoDbClient(), tableName: tableNames.connections };
  const former = { ...stored, credentials: await read(stored) };
  await store("conn_a");
  expect(await replaceCredentials(table, former, former.credentials)).toBe(false);
});

test("binds unbound token sets where it is asked to", async () => {
  const stored = await store("conn_a", "unbound");
  const bindingIn = async () =>
    (await cipherFor(before()).open(await read(stored), { ...stored, version: 7 })).binding;

  await reencrypt(before());
  expect(await bindingIn()).toBeUndefined();
  await reencrypt(before(), "--bind");
  expect(await bindingIn()).toEqual(binding);
});

test("names each token set that it cannot move, and moves the others", async () => {
  const damaged = await store("conn_a");
  await putItem(dynamoDbClient(), { ...damaged, credentials: "ey.canary" as SealedTokenSet });
  const { exitCode, stderr, counts } = await reencrypt(after());
  expect({ exitCode, ...counts }).toMatchObject({ exitCode: 1, moved: 2, failed: 1 });
  expect(stderr).toContain(
    "connection conn_a of workspace wsp_1: the stored credentials cannot be",
  );
  expect(stderr).toContain("1 of 3 token sets were not moved");
  expect(stderr).not.toContain("canary");
});
