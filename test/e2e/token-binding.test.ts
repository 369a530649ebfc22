import { GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { PutSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import { cipherFor } from "../../bin/admin/cipher.ts";
import { dynamoDbClient, secretsManagerClient } from "../../functions/adapters/aws/clients.ts";
import type { ConnectionId, WorkspaceId } from "../../functions/domain/model/connection.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import type { RefreshEvent } from "../../functions/domain/ports/events.ts";
import { refreshConnection } from "../../functions/domain/refresh.ts";
import { apiConfig } from "../../functions/runtime/config.ts";
import { refreshDependencies } from "../../functions/runtime/refresh.ts";
import { rescueRuntime } from "../../functions/runtime/rescue.ts";
import { runCommand } from "../support/admin-cli.ts";
import { capturedOutput } from "../support/captured-output.ts";
import { type LocalAws, startLocalAws } from "../support/local-aws.ts";
import { tableNames } from "../support/local-dynamodb.ts";
import {
  type ProviderStandIn,
  respondWithJson,
  startProvider,
} from "../support/provider-stand-in.ts";

/*
 * The deployed modules against stand-ins of AWS. An attacker can write one item of the table, or one secret, and has
 * no right to any KMS key. His server writes down whatever it receives.
 */
const workspaceId = "wsp_1" as WorkspaceId;
let serial = 0;
let provider: ProviderStandIn;
let attacker: ProviderStandIn;
let events: RefreshEvent[];

let aws: LocalAws;
beforeAll(async () => {
  aws = await startLocalAws();
  Object.assign(process.env, aws.environment);
});
afterAll(() => aws.close());
beforeEach(async () => {
  const tokens = { access_token: "at", refresh_token: "rt-next", token_type: "Bearer" };
  [provider, attacker] = await Promise.all([
    startProvider(respondWithJson(200, { ...tokens, expires_in: 3600 })),
    startProvider(respondWithJson(200, { ...tokens, expires_in: 3600 })),
  ]);
  events = [];
});
afterEach(() => {
  jest.restoreAllMocks();
  return Promise.all([provider.close(), attacker.close()]);
});

/** A process, with caches of its own. */
const refresh = (connectionId: ConnectionId) =>
  refreshConnection(
    refreshDependencies(apiConfig(process.env), { emit: (event) => void events.push(event) }),
  )({
    ...{ connectionId, workspaceId, refreshedBeforeMs: Date.now() },
    invocation: { remainingMs: () => 25_000 },
  });

async function admin(args: string, stdin = "secret"): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(args.split(" "), process.env, stdin);
  if (exitCode !== 0) throw new Error(`admin ${args}: ${stderr}`);
  return stdout;
}

/** A connection that is refreshed at the provider. */
async function victim(): Promise<{ connectionId: ConnectionId; integration: string }> {
  const integration = `victims-${++serial}`;
  const connectionId = `conn_${serial}` as ConnectionId;
  await admin(
    `integrations put ${integration} --token-endpoint ${provider.url} --client-id client-1`,
  );
  await admin(
    `connections put ${connectionId} --workspace ${workspaceId} --integration ${integration}`,
    "rt-of-the-victim",
  );
  return { connectionId, integration };
}

const itemOf = async (connectionId: ConnectionId) => {
  const { Item = {} } = await dynamoDbClient().send(
    new GetItemCommand({
      TableName: tableNames.connections,
      Key: { connection_id: { S: connectionId } },
      ConsistentRead: true,
    }),
  );
  return Item;
};

/** Changes one attribute, as anybody can who may write the item. */
const tamper = (connectionId: ConnectionId, attribute: string, value: string) =>
  dynamoDbClient().send(
    new UpdateItemCommand({
      TableName: tableNames.connections,
      Key: { connection_id: { S: connectionId } },
      UpdateExpression: "SET #a = :a",
      ExpressionAttributeNames: { "#a": attribute },
      ExpressionAttributeValues: { ":a": { S: value } },
    }),
  );

async function nothingIsSent(connectionId: ConnectionId) {
  const before = (await itemOf(connectionId)).credentials;
  expect(await refresh(connectionId)).toMatchObject({
    kind: "failed",
    error: { code: "misconfigured_integration" },
  });
  expect(attacker.requests).toEqual([]);
  expect(await itemOf(connectionId)).toMatchObject({
    credentials: before,
    status: { S: "active" },
    failure: { M: { code: { S: "misconfigured_integration" } } },
  });
  expect(events.map(({ code }) => code)).toContain("token_request.withheld");
}

describe("whoever can write one item does not have its refresh token sent to himself,", () => {
  test.each(["integration", "client_registration"])("by its %s", async (attribute) => {
    const { connectionId, integration } = await victim();
    const own = `attackers-${serial}`;
    await admin(`integrations put ${own} --token-endpoint ${attacker.url} --client-id client-1`);
    const name = attribute === "integration" ? own : `integrations/${own}`;
    await tamper(connectionId, attribute, name);
    await nothingIsSent(connectionId);

    await tamper(
      connectionId,
      attribute,
      attribute === "integration" ? integration : `integrations/${integration}`,
    );
    expect(await refresh(connectionId)).toMatchObject({ kind: "refreshed" });
  });

  test("nor to the provider in the name of his own client", async () => {
    const { connectionId } = await victim();
    const own = `attackers-${serial}`;
    await admin(`integrations put ${own} --token-endpoint ${provider.url} --client-id client-2`);
    await tamper(connectionId, "integration", own);
    await nothingIsSent(connectionId);
    expect(provider.requests).toEqual([]);
  });

  test("by putting its credentials into a connection of his own", async () => {
    const { connectionId } = await victim();
    const { credentials } = await itemOf(connectionId);
    const own = await victim();
    await tamper(own.connectionId, "credentials", credentials?.S ?? "");
    expect(await refresh(own.connectionId)).toMatchObject({
      error: { code: "internal_error" },
    });
    expect(provider.requests).toEqual([]);
  });
});

describe("whoever can write one secret does not have an integration's tokens sent to himself,", () => {
  const rewrite = (integration: string, changes: object) =>
    secretsManagerClient().send(
      new PutSecretValueCommand({
        SecretId: `refresh/integrations/${integration}`,
        SecretString: JSON.stringify({
          ...{ client_id: "client-1", client_secret: "secret" },
          token_endpoint: provider.url.href,
          ...changes,
        }),
      }),
    );

  test("by its token endpoint", async () => {
    const { connectionId, integration } = await victim();
    await rewrite(integration, { token_endpoint: attacker.url.href });
    await nothingIsSent(connectionId);
    await rewrite(integration, {});
    expect(await refresh(connectionId)).toMatchObject({ kind: "refreshed" });
  });

  test("by its refresh endpoint", async () => {
    const { connectionId, integration } = await victim();
    await rewrite(integration, { refresh_endpoint: attacker.url.href });
    await nothingIsSent(connectionId);
  });

  test("by another API at the provider's origin", async () => {
    const { connectionId, integration } = await victim();
    const api = new URL("/api/chat.postMessage", provider.url).href;
    await rewrite(integration, { token_endpoint: api, token_parameter: "text" });
    await nothingIsSent(connectionId);
    expect(provider.requests).toEqual([]);
  });

  test("by an issuer whose metadata names another API at the provider's origin", async () => {
    const { connectionId, integration } = await victim();
    const api = new URL("/api/chat.postMessage", provider.url).href;
    await attacker.close();
    attacker = await startProvider((response, request) => {
      const metadata = { issuer: `http://${request.headers.host}`, token_endpoint: api };
      respondWithJson(200, metadata)(response, request);
    });
    await rewrite(integration, { token_endpoint: undefined, issuer: attacker.url.origin });
    expect(await refresh(connectionId)).toMatchObject({
      error: { code: "misconfigured_integration" },
    });
    expect(provider.requests).toEqual([]);
    expect(attacker.requests.every(({ method }) => method === "GET")).toBe(true);
  });
});

describe("whoever can send a message to the rescue queue does not replace a live token set,", () => {
  const runtime = () => rescueRuntime(process.env);
  const record = async (connectionId: ConnectionId, changes: object) => {
    const { credentials, credentials_version: version } = await itemOf(connectionId);
    return JSON.stringify({
      ...{ connection_id: connectionId, workspace_id: workspaceId },
      expected_version: Number(version?.N),
      version: Number(version?.N) + 1,
      credentials: credentials?.S,
      committed_at: "2026-01-01T00:00:00Z",
      status: "active",
      ...changes,
    });
  };
  const rescue = (message: string) => {
    const { rescueTokens, parseRecord } = runtime();
    return rescueTokens(parseRecord(message));
  };

  test.each<[string, () => Promise<object> | object]>([
    ["by words of his own", () => ({ credentials: "a.b.c.d.e" })],
    ["by the token set that is stored", () => ({})],
    [
      "by a token set of a connection of his own",
      async () => {
        const own = await victim();
        return { credentials: (await itemOf(own.connectionId)).credentials?.S };
      },
    ],
    ["by a version that does not follow", () => ({ version: 1 })],
  ])("%s", async (_, changes) => {
    const { connectionId } = await victim();
    const before = await itemOf(connectionId);
    capturedOutput();
    expect(await rescue(await record(connectionId, await changes()))).toBe("refused");
    expect(await itemOf(connectionId)).toEqual(before);
  });

  test("and a token set that a refresh has sealed is committed, in either format", async () => {
    for (const TOKEN_FORMAT of ["1", "2"]) {
      const { connectionId } = await victim();
      const version = Number((await itemOf(connectionId)).credentials_version?.N) + 1;
      const cipher = cipherFor({ ...process.env, TOKEN_FORMAT });
      const tokens = { accessToken: new Secret("at"), refreshToken: new Secret("rt") };
      const others = { tokenType: undefined, scope: undefined, expiresAtMs: undefined, extra: {} };
      const place = { connectionId, workspaceId, version };
      capturedOutput();
      const credentials = await cipher.seal({ ...tokens, ...others }, place, undefined);
      expect(await rescue(await record(connectionId, { credentials }))).toBe("done");
      expect((await itemOf(connectionId)).credentials_version?.N).toBe(String(version));
    }
  });
});

describe("keeps working:", () => {
  test("a secret that is renamed", async () => {
    const { connectionId } = await victim();
    const renamed = `renamed-${serial}`;
    await admin(
      `integrations put ${renamed} --token-endpoint ${provider.url} --client-id client-1`,
    );
    await tamper(connectionId, "integration", renamed);
    expect(await refresh(connectionId)).toMatchObject({ kind: "refreshed" });
  });

  test("a provider that moved, once an operator has permitted it", async () => {
    const { connectionId, integration } = await victim();
    await admin(
      `integrations put ${integration} --token-endpoint ${attacker.url} --client-id client-1`,
    );
    expect(await refresh(connectionId)).toMatchObject({
      error: { code: "misconfigured_integration" },
    });
    const permitted = await admin(
      `integrations rebind ${integration} --from ${provider.url.origin} --to ${attacker.url}`,
    );
    expect(permitted).toContain("permitted");
    expect(await refresh(connectionId)).toMatchObject({ kind: "refreshed" });

    await admin(
      `integrations rebind ${integration} --from ${provider.url.origin} --to ${attacker.url} --undo`,
    );
    expect(await refresh(connectionId)).toMatchObject({ kind: "refreshed" });
  });
});
