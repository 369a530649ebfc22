import {
  type AuthorizationServer,
  startAuthorizationServer,
} from "../../bin/local/authorization-server.ts";
import {
  type EmulatedProviders,
  emulatedClient,
  startEmulatedProviders,
} from "../support/emulated-providers.ts";
import { type LocalService, startLocalService } from "../support/local-service.ts";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";

/** A user's connection at a provider, with an integration of its own. */
interface Case {
  readonly connectionId: string;
  readonly integration: string;
  /** The refresh tokens that the provider received, in order. */
  sentRefreshTokens(): string[];
}

const providers = ["oidc-provider", "google", "microsoft", "okta"] as const;
type ProviderName = (typeof providers)[number];
/** Google's token response holds no new refresh token. */
const rotates = (provider: ProviderName): boolean => provider !== "google";

let service: LocalService;
let emulated: EmulatedProviders;
let authorizationServer: AuthorizationServer;
const proxies: RecordingProxy[] = [];

beforeAll(async () => {
  [service, emulated, authorizationServer] = await Promise.all([
    startLocalService(),
    startEmulatedProviders(),
    startAuthorizationServer(),
  ]);
});
afterAll(async () => {
  emulated.close();
  const closing = [authorizationServer, ...proxies].map((one) => one.close());
  await Promise.all([service.stop(), ...closing]);
});

/** The endpoint and the client of a provider, and a new refresh token. */
async function consent(provider: ProviderName) {
  if (provider === "oidc-provider") {
    return {
      tokenEndpoint: authorizationServer.tokenEndpoint,
      client: `--client-id ${authorizationServer.clientId} --auth client_secret_basic`,
      clientSecret: authorizationServer.clientSecret(),
      refreshToken: await authorizationServer.mintRefreshToken(),
    };
  }
  return {
    tokenEndpoint: emulated[provider].tokenEndpoint,
    client: `--client-id ${emulatedClient.id} --auth client_secret_post`,
    clientSecret: emulatedClient.secret,
    refreshToken: (await emulated[provider].authorize()).refresh_token,
  };
}

const putConnection = (connectionId: string, integration: string, refreshToken: string) =>
  service.admin(
    `connections put ${connectionId} --workspace wsp_demo --integration ${integration}`,
    refreshToken,
  );

let serial = 0;
async function connect(provider: ProviderName): Promise<Case> {
  const { tokenEndpoint, client, clientSecret, refreshToken } = await consent(provider);
  const proxy = await startRecordingProxy(tokenEndpoint);
  proxies.push(proxy);
  const integration = `${provider}-${++serial}`;
  const connectionId = `conn_${integration}`;
  await service.admin(
    `integrations put ${integration} --token-endpoint ${proxy.url} ${client}`,
    clientSecret,
  );
  await putConnection(connectionId, integration, refreshToken);
  return {
    ...{ connectionId, integration },
    sentRefreshTokens: () =>
      proxy.answered.map((body) => new URLSearchParams(body).get("refresh_token") ?? ""),
  };
}

describe.each(providers)("at %s", (provider) => {
  test("the response to a refresh has the form of the contract", async () => {
    const { connectionId } = await connect(provider);
    const { status, headers, body } = await service.refresh(connectionId);
    expect(status).toBe(200);
    expect(headers.get("X-Refresh-Outcome")).toBe("refreshed");
    expect(body).toEqual({
      status: "success",
      connection_id: connectionId,
      expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
  });

  test("a hundred callers at once get one refresh and one expiry", async () => {
    const { connectionId, sentRefreshTokens } = await connect(provider);
    const responses = await Promise.all(
      Array.from({ length: 100 }, () => service.refresh(connectionId)),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect(new Set(responses.map(({ body }) => body.expires_at)).size).toBe(1);
    expect(sentRefreshTokens()).toHaveLength(1);
    const outcomes = responses.map(({ headers }) => headers.get("X-Refresh-Outcome"));
    expect(outcomes.filter((outcome) => outcome === "refreshed")).toHaveLength(1);
    expect(await service.show(connectionId)).toMatchObject({ status: "active" });
  });
});

// At the same time: forced refreshes of a connection are a second apart.
test.concurrent.each(providers)(
  "at %s, each of ten refreshes in a row sends the refresh token of the one before",
  async (provider) => {
    const { connectionId, sentRefreshTokens } = await connect(provider);
    for (let i = 0; i < 10; i++) {
      expect(await service.refreshAgain(connectionId)).toMatchObject({ status: 200 });
    }
    const sent = sentRefreshTokens();
    expect(sent).toHaveLength(10);
    expect(new Set(sent).size).toBe(rotates(provider) ? 10 : 1);
  },
);

test("a refresh token that was used elsewhere is refused until the user connects again", async () => {
  const { connectionId, integration, sentRefreshTokens } = await connect("oidc-provider");
  await service.refresh(connectionId);
  const [used = ""] = sentRefreshTokens();
  await putConnection(connectionId, integration, used);
  for (let i = 0; i < 2; i++) {
    const { status, body } = await service.refresh(connectionId, { force: true });
    expect([status, body.code]).toEqual([409, "reauthorization_required"]);
  }
  expect(sentRefreshTokens()).toHaveLength(2);
  const newToken = await authorizationServer.mintRefreshToken();
  await putConnection(connectionId, integration, newToken);
  expect(await service.refresh(connectionId)).toMatchObject({ status: 200 });
});

test("two processes with one store let one of a hundred callers through", async () => {
  const { connectionId, sentRefreshTokens } = await connect("oidc-provider");
  const { environment } = service;
  const other = await startLocalService({
    AWS_ENDPOINT_URL_DYNAMODB: environment.AWS_ENDPOINT_URL_DYNAMODB,
    AWS_ENDPOINT_URL_KMS: environment.AWS_ENDPOINT_URL_KMS,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: environment.AWS_ENDPOINT_URL_SECRETS_MANAGER,
    KMS_KEY_ID: environment.KMS_KEY_ID,
  });
  try {
    const responses = await Promise.all(
      Array.from({ length: 100 }, (_, i) => (i % 2 ? service : other).refresh(connectionId)),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect(new Set(responses.map(({ body }) => body.expires_at)).size).toBe(1);
    expect(sentRefreshTokens()).toHaveLength(1);
  } finally {
    await other.stop();
  }
});
