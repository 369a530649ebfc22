import { CreateSecretCommand } from "@aws-sdk/client-secrets-manager";
import { putConnection } from "../../../bin/admin/put-connection.ts";
import { dynamoDbClient, secretsManagerClient } from "../../../functions/adapters/aws/clients.ts";
import { dynamoDbConnectionAdmin } from "../../../functions/adapters/dynamodb/connection-admin.ts";
import type { ConnectionId, WorkspaceId } from "../../../functions/domain/model/connection.ts";
import { Secret } from "../../../functions/domain/model/secret.ts";
import { refreshConnection } from "../../../functions/domain/refresh.ts";
import { apiConfig } from "../../../functions/runtime/config.ts";
import { refreshDependencies } from "../../../functions/runtime/refresh.ts";
import { type LocalAws, startLocalAws } from "../../support/local-aws.ts";
import { tableNames } from "../../support/local-dynamodb.ts";
import { startProvider } from "../../support/provider-stand-in.ts";

const dayMs = 86_400_000;
const days = (count: number) => count * 86_400;
const workspaceId = "wsp_1" as WorkspaceId;

let aws: LocalAws;
beforeAll(async () => {
  aws = await startLocalAws();
  Object.assign(process.env, aws.environment);
  await Promise.all(["linkedin", "spotify", "atlassian", "intuit"].map(register));
});
afterAll(() => aws.close());

/** A registration whose connections are scheduled only to keep an idle refresh token alive. */
const register = (provider: string) =>
  secretsManagerClient().send(
    new CreateSecretCommand({
      Name: `refresh/integrations/${provider}`,
      SecretString: JSON.stringify({
        ...{ provider, client_id: "client", client_secret: "secret" },
        refresh_policy: "on_demand",
      }),
    }),
  );

/** The deployed modules, with a stand-in that responds in place of the vendor's endpoint. */
async function refresh(connectionId: ConnectionId, answer: object) {
  const standIn = await startProvider((response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  const dependencies = refreshDependencies(apiConfig(process.env), { emit: () => undefined });
  const { registry } = dependencies;
  const refreshOne = refreshConnection({
    ...dependencies,
    rebinds: {
      successorOf: async () => ({
        ...{ clientId: "client", origin: standIn.url.origin, path: standIn.url.pathname },
      }),
    },
    registry: {
      registration: async (...named) => ({
        ...(await registry.registration(...named)),
        tokenEndpoint: standIn.url.href,
      }),
    },
  });
  const invocation = { remainingMs: () => 25_000 };
  await refreshOne({ connectionId, workspaceId, invocation });
  await standIn.close();
}

/** Whole days from now. */
async function stored(connectionId: ConnectionId) {
  const admin = dynamoDbConnectionAdmin({
    client: dynamoDbClient(),
    tableName: tableNames.connections,
  });
  const connection = await admin.describe({ connectionId, workspaceId });
  const daysUntil = (instantMs: number | undefined) =>
    instantMs === undefined ? undefined : Math.round((instantMs - Date.now()) / dayMs);
  const { refreshAtMs = Number.NaN, refreshTokenExpiresAtMs = 0 } = connection ?? {};
  return {
    version: connection?.credentialsVersion,
    ends: daysUntil(connection?.refreshTokenExpiresAtMs),
    endsWhatever: daysUntil(connection?.refreshTokenAbsoluteExpiresAtMs),
    isDueBefore: refreshAtMs < refreshTokenExpiresAtMs,
  };
}

test("an access token of three minutes is due before the last sweep that is in time, with any settings", async () => {
  const connectionId = "conn_short" as ConnectionId;
  await secretsManagerClient().send(
    new CreateSecretCommand({
      Name: "refresh/integrations/acme",
      SecretString: JSON.stringify({
        ...{ client_id: "client", client_secret: "secret" },
        token_endpoint: "https://acme.example/token",
      }),
    }),
  );
  const input = new Secret(JSON.stringify({ ...tokens, expires_in: 180 }));
  await putConnection(process.env, { connectionId, workspaceId, integration: "acme" }, { input });
  const admin = dynamoDbConnectionAdmin({
    client: dynamoDbClient(),
    tableName: tableNames.connections,
  });
  const { refreshAtMs = 0 } = (await admin.describe({ connectionId, workspaceId })) ?? {};
  // Two sweeps may be two minutes apart, and the delivery may take half a minute.
  expect(refreshAtMs).toBeLessThanOrEqual(Date.now() + 30_000);
  expect(refreshAtMs).toBeGreaterThan(0);
});

const tokens = { access_token: "at", refresh_token: "rt", token_type: "bearer", expires_in: 3600 };

interface Case {
  readonly provider: string;
  readonly consentedDaysAgo: number;
  /** The token response at the user's consent. */
  readonly given: string;
  readonly put: object;
  readonly answer: object;
  readonly refreshed: object;
}

// The sources of the catalogue's entries document these lifetimes and responses.
test.each<Case>([
  {
    provider: "linkedin",
    consentedDaysAgo: 100,
    given: "rt",
    put: { ends: 265, endsWhatever: 265, isDueBefore: false },
    answer: { ...tokens, refresh_token_expires_in: days(200) },
    refreshed: { ends: 200, endsWhatever: 200, isDueBefore: false },
  },
  {
    provider: "spotify",
    consentedDaysAgo: 100,
    given: "rt",
    put: { ends: 81, endsWhatever: 81, isDueBefore: false },
    answer: { access_token: "at", token_type: "Bearer", expires_in: 3600 },
    refreshed: { ends: 81, endsWhatever: 81, isDueBefore: false },
  },
  {
    provider: "atlassian",
    consentedDaysAgo: 100,
    given: JSON.stringify(tokens),
    put: { ends: 90, endsWhatever: 265, isDueBefore: true },
    answer: tokens,
    refreshed: { ends: 90, endsWhatever: 265, isDueBefore: true },
  },
  {
    provider: "intuit",
    consentedDaysAgo: 1_000,
    given: JSON.stringify({ ...tokens, x_refresh_token_expires_in: days(50) }),
    put: { ends: 50, endsWhatever: 825, isDueBefore: true },
    answer: { ...tokens, x_refresh_token_expires_in: days(100) },
    refreshed: { ends: 100, endsWhatever: 825, isDueBefore: true },
  },
])(
  "the refresh token's ends, as they are put and as a refresh leaves them: $provider",
  async ({ provider, consentedDaysAgo, given, ...expected }) => {
    const connectionId = `conn_${provider}` as ConnectionId;
    await putConnection(
      process.env,
      { connectionId, workspaceId, integration: provider },
      { input: new Secret(given), consentedAtMs: Date.now() - consentedDaysAgo * dayMs },
    );
    const put = await stored(connectionId);
    expect(put).toEqual({ version: expect.any(Number), ...expected.put });
    await refresh(connectionId, expected.answer);
    const refreshed = await stored(connectionId);
    expect(refreshed).toEqual({ version: expect.any(Number), ...expected.refreshed });
    expect(refreshed.version).toBeGreaterThan(put.version ?? 0);
  },
);

test("the provider's statement at the consent takes precedence over the catalogue", async () => {
  const connectionId = "conn_stated" as ConnectionId;
  const input = new Secret(JSON.stringify({ ...tokens, refresh_token_expires_in: days(300) }));
  await putConnection(
    process.env,
    { connectionId, workspaceId, integration: "linkedin" },
    { input, consentedAtMs: Date.now() - 100 * dayMs },
  );
  expect(await stored(connectionId)).toMatchObject({ ends: 300, endsWhatever: 300 });
});
