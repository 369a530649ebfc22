import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import {
  type SecretsManagerOptions,
  startSecretsManager,
} from "../../../bin/local/secrets-manager.ts";
import { localSecretsManagerClient } from "../../support/local-aws-clients.ts";

async function withSecretsManager(
  use: (client: SecretsManagerClient) => Promise<void>,
  options?: SecretsManagerOptions,
): Promise<void> {
  const secretsManager = await startSecretsManager(options);
  const client = localSecretsManagerClient(secretsManager.endpoint);
  try {
    await use(client);
  } finally {
    client.destroy();
    await secretsManager.close();
  }
}

const create = (client: SecretsManagerClient, Name: string, SecretString = "v1") =>
  client.send(new CreateSecretCommand({ Name, SecretString }));
const put = (client: SecretsManagerClient, SecretId: string, SecretString: string) =>
  client.send(new PutSecretValueCommand({ SecretId, SecretString }));

it("returns a secret by its name and by its ARN", () =>
  withSecretsManager(async (client) => {
    const { ARN, VersionId } = await create(client, "otr/integrations/acme");
    expect(ARN).toMatch(/:secret:otr\/integrations\/acme-[0-9a-f]{6}$/);
    for (const SecretId of ["otr/integrations/acme", ARN]) {
      const value = await client.send(new GetSecretValueCommand({ SecretId }));
      expect(value).toMatchObject({ Name: "otr/integrations/acme", SecretString: "v1", VersionId });
      expect(value.VersionStages).toEqual(["AWSCURRENT"]);
      expect(value.CreatedDate).toBeInstanceOf(Date);
    }
  }));

it("a new value becomes AWSCURRENT, the former one AWSPREVIOUS, and older ones are deleted", () =>
  withSecretsManager(async (client) => {
    const first = await create(client, "s", "v1");
    const second = await put(client, "s", "v2");
    const get = async (rest: { VersionId?: string | undefined; VersionStage?: string }) =>
      (await client.send(new GetSecretValueCommand({ SecretId: "s", ...rest }))).SecretString;
    expect(await get({})).toBe("v2");
    expect(await get({ VersionId: second.VersionId })).toBe("v2");
    expect(await get({ VersionId: first.VersionId })).toBe("v1");
    expect(await get({ VersionStage: "AWSPREVIOUS" })).toBe("v1");
    await put(client, "s", "v3");
    const gone = get({ VersionId: first.VersionId });
    await expect(gone).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  }));

it("an absent secret is ResourceNotFoundException, one that exists ResourceExistsException", () =>
  withSecretsManager(async (client) => {
    const absent = { name: "ResourceNotFoundException" };
    const get = client.send(new GetSecretValueCommand({ SecretId: "s" }));
    await expect(get).rejects.toMatchObject(absent);
    await expect(put(client, "s", "v")).rejects.toMatchObject(absent);
    await create(client, "s");
    await expect(create(client, "s")).rejects.toMatchObject({ name: "ResourceExistsException" });
  }));

it("a repeated request creates no second version, and fails with another value", () =>
  withSecretsManager(async (client) => {
    const ClientRequestToken = "t".repeat(32);
    const command = { Name: "s", SecretString: "v1", ClientRequestToken };
    const first = await client.send(new CreateSecretCommand(command));
    await expect(client.send(new CreateSecretCommand(command))).resolves.toMatchObject({
      VersionId: first.VersionId,
    });
    const other = new PutSecretValueCommand({
      SecretId: "s",
      SecretString: "v2",
      ClientRequestToken,
    });
    const refused = client.send(other);
    await expect(refused).rejects.toMatchObject({ name: "ResourceExistsException" });
  }));

it("lists by name prefix, page by page", () =>
  withSecretsManager(async (client) => {
    for (const name of ["p/b", "q/x", "p/a", "p/c"]) await create(client, name);
    const pages: string[][] = [];
    let NextToken: string | undefined;
    do {
      const page = await client.send(
        new ListSecretsCommand({
          MaxResults: 2,
          NextToken,
          Filters: [{ Key: "name", Values: ["p/"] }],
        }),
      );
      pages.push((page.SecretList ?? []).map(({ Name = "" }) => Name));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    expect(pages).toEqual([["p/a", "p/b"], ["p/c"]]);
  }));

it.each(["spaced name", "ü", ""])("rejects the name %j", (name) =>
  withSecretsManager(async (client) => {
    await expect(create(client, name)).rejects.toMatchObject({ name: "ValidationException" });
  }),
);

describe("with a directory", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "secrets-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("keeps the secrets across restarts, readable by the owner alone", async () => {
    await withSecretsManager(
      async (client) => {
        await create(client, "s", "v1");
        await put(client, "s", "v2");
      },
      { directory },
    );
    expect(readdirSync(directory)).toEqual(["secrets.json"]);
    expect(statSync(join(directory, "secrets.json")).mode & 0o777).toBe(0o600);
    await withSecretsManager(
      async (client) => {
        const value = await client.send(new GetSecretValueCommand({ SecretId: "s" }));
        expect(value.SecretString).toBe("v2");
      },
      { directory },
    );
  });

  it("names a file that it cannot use, and does not quote it", async () => {
    const path = join(directory, "secrets.json");
    writeFileSync(path, "canary");
    await expect(startSecretsManager({ directory })).rejects.toThrow(
      `${path} does not hold secrets of the local Secrets Manager. Remove it`,
    );
  });
});
