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

/** One user's connection at one provider, each grant in sight. */
interface Case {
  readonly connectionId: string;
  /** Refresh tokens that reached the provider, in order. */
  sentRefreshTokens(): string[];
}

const providers = ["oidc-provider", "google", "microsoft", "okta"] as const;
/** What Google's token endpoint answers holds no new refresh token. */
const rotates = (provider: string): boolean => provider !== "google";

let service: LocalService;
let emulated: EmulatedProviders;
let authorizationServer: AuthorizationServer;
const proxies = new Map<string, RecordingProxy>();

beforeAll(async () => {
  [service, emulated, authorizationServer] = await Promise.all([
    startLocalService(),
    startEmulatedProviders(),
    startAuthorizationServer(),
  ]);
  for (const provider of providers) {
    const target =
      provider === "oidc-provider"
        ? authorizationServer.tokenEndpoint
        : emulated[provider].tokenEndpoint;
    const proxy = await startRecordingProxy(target);
    proxies.set(provider, proxy);
    const [id, secret, method] =
      provider === "oidc-provider"
        ? [authorizationServer.clientId, authorizationServer.clientSecret(), "client_secret_basic"]
        : [emulatedClient.id, emulatedClient.secret, "client_secret_post"];
    await service.admin(
      `integrations put ${provider} --token-endpoint ${proxy.url} --client-id ${id} --auth ${method}`,
      secret,
    );
  }
});
afterAll(async () => {
  emulated.close();
  await Promise.all([
    service.stop(),
    authorizationServer.close(),
    ...[...proxies.values()].map((proxy) => proxy.close()),
  ]);
});

let serial = 0;
async function connect(provider: (typeof providers)[number]): Promise<Case> {
  const connectionId = `conn_${provider}_${++serial}`;
  const refreshToken =
    provider === "oidc-provider"
      ? await authorizationServer.mintRefreshToken()
      : (await emulated[provider].authorize()).refresh_token;
  await service.admin(
    `connections put ${connectionId} --workspace wsp_demo --integration ${provider}`,
    refreshToken,
  );
  const { answered } = proxies.get(provider) ?? { answered: [] };
  const before = answered.length;
  return {
    connectionId,
    sentRefreshTokens: () =>
      answered.slice(before).map((body) => new URLSearchParams(body).get("refresh_token") ?? ""),
  };
}

describe.each(providers)("at %s", (provider) => {
  test("a refresh answers with the contract's own shape", async () => {
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

  test("ten forced refreshes in a row each send what the one before has brought", async () => {
    const { connectionId, sentRefreshTokens } = await connect(provider);
    for (let i = 0; i < 10; i++) {
      expect(await service.refresh(connectionId, { force: true })).toMatchObject({ status: 200 });
    }
    const sent = sentRefreshTokens();
    expect(sent).toHaveLength(10);
    expect(new Set(sent).size).toBe(rotates(provider) ? 10 : 1);
  });

  test("a hundred callers at once get one refresh and one expiry", async () => {
    const { connectionId, sentRefreshTokens } = await connect(provider);
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => service.refresh(connectionId)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect(new Set(answers.map(({ body }) => body.expires_at)).size).toBe(1);
    expect(sentRefreshTokens()).toHaveLength(1);
    const outcomes = answers.map(({ headers }) => headers.get("X-Refresh-Outcome"));
    expect(outcomes.filter((outcome) => outcome === "refreshed")).toHaveLength(1);
    const shown = await service.admin(
      `connections show ${connectionId} --workspace wsp_demo --json`,
    );
    expect(JSON.parse(shown)).toMatchObject({
      credentials_version: expect.any(Number),
      status: "active",
    });
  });
});

test("a refresh token that was used elsewhere is dead, and says so until the user connects again", async () => {
  const { connectionId, sentRefreshTokens } = await connect("oidc-provider");
  await service.refresh(connectionId);
  const [used = ""] = sentRefreshTokens();
  await service.admin(
    `connections put ${connectionId} --workspace wsp_demo --integration oidc-provider`,
    used,
  );
  for (let i = 0; i < 2; i++) {
    const { status, body } = await service.refresh(connectionId, { force: true });
    expect([status, body.code]).toEqual([409, "reauthorization_required"]);
  }
  expect(sentRefreshTokens()).toHaveLength(2);
  await service.admin(
    `connections put ${connectionId} --workspace wsp_demo --integration oidc-provider`,
    await authorizationServer.mintRefreshToken(),
  );
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
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => (i % 2 ? service : other).refresh(connectionId)),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect(new Set(answers.map(({ body }) => body.expires_at)).size).toBe(1);
    expect(sentRefreshTokens()).toHaveLength(1);
  } finally {
    await other.stop();
  }
});
