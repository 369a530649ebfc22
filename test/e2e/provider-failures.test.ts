import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from "../../bin/local/authorization-server.ts";
import { type LocalService, startLocalService } from "../support/local-service.ts";
import {
  type ProviderStandIn,
  type Respond,
  respondWith,
  respondWithJson,
  startProvider,
} from "../support/provider-stand-in.ts";

let tokens = 0;
const good: Respond = (response, request) =>
  respondWithJson(200, {
    access_token: `at-${++tokens}`,
    refresh_token: `rt-${tokens}`,
    token_type: "Bearer",
    expires_in: 3600,
  })(response, request);

let service: LocalService;
const providers: ProviderStandIn[] = [];
beforeAll(async () => {
  service = await startLocalService({ PROVIDER_TIMEOUT_SECONDS: "1", LOG_LEVEL: "INFO" });
});
afterAll(async () => {
  await service.stop();
  await Promise.all(providers.map((provider) => provider.close()));
});

interface Connected {
  readonly connectionId: string;
  readonly provider: ProviderStandIn;
  /** Changes what the provider responds with. */
  mend(respond?: Respond): void;
}

let serial = 0;
async function connect(first: Respond): Promise<Connected> {
  let respond = first;
  const provider = await startProvider((response, request) => respond(response, request));
  providers.push(provider);
  const name = `failing-${++serial}`;
  await service.admin(
    `integrations put ${name} --token-endpoint ${provider.url} --client-id c --auth client_secret_post`,
    "the-secret",
  );
  const connectionId = `conn_${name}`;
  await service.admin(
    `connections put ${connectionId} --workspace wsp_demo --integration ${name}`,
    "rt-first",
  );
  return {
    connectionId,
    provider,
    mend: (next = good) => {
      respond = next;
    },
  };
}

describe("a failed token request is classified, leaves the connection active, and is cleared by the next success:", () => {
  // At the same time: some wait until a hold ends.
  test.concurrent.each<[string, Respond, number, string]>([
    ["garbage", respondWith(200, "application/json", "\u0000{]"), 502, "provider_error"],
    ["an HTML page", respondWith(200, "text/html", "<html>Sign in</html>"), 502, "provider_error"],
    ["an empty body", respondWith(200, "application/json", ""), 502, "provider_error"],
    [
      "200 with an error",
      respondWithJson(200, { ok: false, error: "fatal_error" }),
      502,
      "provider_error",
    ],
    ["500", respondWithJson(500, { error: "server_error" }), 502, "provider_error"],
    [
      "500 with invalid_grant",
      respondWithJson(500, { error: "invalid_grant" }),
      502,
      "provider_error",
    ],
    ["a redirect", respondWith(302, "text/plain", ""), 502, "provider_error"],
    ["503", respondWithJson(503, {}), 502, "provider_error"],
    ["429", respondWithJson(429, {}), 429, "provider_rate_limited"],
    ["a connection closed", (response) => response.destroy(), 502, "provider_error"],
  ])("%s", async (_, respond, status, code) => {
    const { connectionId, mend } = await connect(respond);
    const { credentials_version } = await service.show(connectionId);
    const response = await service.refresh(connectionId);
    expect([response.status, response.body.code]).toEqual([status, code]);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    expect(Number(response.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(await service.show(connectionId)).toMatchObject({
      status: "active",
      credentials_version,
      failure: code,
      failure_count: 1,
    });
    mend();
    await untilStatus(200, connectionId);
    expect((await service.show(connectionId)).failure).toBeUndefined();
  });

  test.concurrent("429 with Retry-After holds the integration: no token request is sent before that time", async () => {
    const { connectionId, provider, mend } = await connect(
      respondWithJson(429, {}, { "Retry-After": "8" }),
    );
    const first = await service.refresh(connectionId);
    expect(first.headers.get("Retry-After")).toBe("8");
    mend();
    const held = await service.refresh(connectionId);
    expect([held.status, held.body.code]).toEqual([429, "provider_rate_limited"]);
    expect(Number(held.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(provider.requests).toHaveLength(1);
    await untilStatus(200, connectionId);
    expect((await service.show(connectionId)).failure).toBeUndefined();
  });

  test("a refused connection", async () => {
    const port = await freePort();
    await service.admin(
      `integrations put closed --token-endpoint http://127.0.0.1:${port}/token --client-id c --auth none`,
    );
    await service.admin(
      "connections put conn_closed --workspace wsp_demo --integration closed",
      "r",
    );
    const { status, body } = await service.refresh("conn_closed");
    expect([status, body.code]).toEqual([502, "provider_error"]);
    expect(String(body.detail)).toContain("closed");
  });
});

describe("a provider that responds too late", () => {
  test.concurrent("is asked once, all callers get 504, and the stored refresh token is sent again later", async () => {
    const { connectionId, provider, mend } = await connect(() => undefined);
    const responses = await Promise.all(
      Array.from({ length: 5 }, () => service.refresh(connectionId)),
    );
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([504]));
    expect(responses.map(({ body }) => body.code)).toEqual(Array(5).fill("provider_timeout"));
    expect(provider.requests).toHaveLength(1);
    expect(await service.show(connectionId)).toMatchObject({ status: "active", failure_count: 1 });

    mend();
    // A caller gets the same outcome at once while the provider may still be at work.
    expect(await service.refresh(connectionId)).toMatchObject({ status: 504 });
    await untilStatus(200, connectionId);
    const [first, second] = provider.requests.map(({ body }) =>
      new URLSearchParams(body).get("refresh_token"),
    );
    expect(second).toBe(first);
  });
});

describe("the tokens of an unusual token response are stored:", () => {
  test.each<[string, Respond]>([
    ["status 201", respondWithJson(201, { access_token: "a", refresh_token: "rt-kept" })],
    [
      "with an error beside it",
      respondWithJson(200, { access_token: "a", refresh_token: "rt-kept", error: "x" }),
    ],
    [
      "as a form",
      respondWith(200, "application/x-www-form-urlencoded", "access_token=a&refresh_token=rt-kept"),
    ],
    [
      "no token_type, expires_in null",
      respondWithJson(200, { access_token: "a", refresh_token: "rt-kept", expires_in: null }),
    ],
  ])("%s", async (_, respond) => {
    const { connectionId, provider } = await connect(respond);
    const { status, body } = await service.refresh(connectionId);
    expect([status, body.expires_at]).toEqual([200, null]);
    await service.refresh(connectionId, { force: true });
    expect(provider.requests[1]?.body).toContain("refresh_token=rt-kept");
  });
});

describe("a rejected client", () => {
  let authorizationServer: AuthorizationServer;
  beforeAll(async () => {
    authorizationServer = await startAuthorizationServer();
  });
  afterAll(() => authorizationServer.close());

  const putIntegration = (name: string, secret: string) =>
    service.admin(
      `integrations put ${name} --token-endpoint ${authorizationServer.tokenEndpoint} --client-id ${authorizationServer.clientId}`,
      secret,
    );
  const putConnection = async (connectionId: string, integration: string) =>
    service.admin(
      `connections put ${connectionId} --workspace wsp_demo --integration ${integration}`,
      await authorizationServer.mintRefreshToken(),
    );

  test("is tried once more where its secret has changed since it was cached", async () => {
    await putIntegration("rotated", authorizationServer.clientSecret());
    await putConnection("conn_rotated", "rotated");
    expect(await service.refresh("conn_rotated")).toMatchObject({ status: 200 });
    await putIntegration("rotated", authorizationServer.rotateClientSecret());
    expect(await service.refresh("conn_rotated", { force: true })).toMatchObject({ status: 200 });
  });

  test("holds its integration until the secret is replaced, and leaves the connection active", async () => {
    await putIntegration("wrong", "not-the-secret");
    await putConnection("conn_wrong", "wrong");
    await putConnection("conn_wrong_too", "wrong");
    const first = await service.refresh("conn_wrong");
    expect([first.status, first.body.code]).toEqual([502, "client_rejected"]);
    expect(String(first.body.detail)).toContain("wrong");
    const second = await service.refresh("conn_wrong_too");
    expect([second.status, second.body.code]).toEqual([502, "client_rejected"]);
    // Both connections count once every process had the time to report a success.
    await untilStatus(503, "conn_wrong_too");
    const before = authorizationServer.tokenResponses();
    const held = await service.refresh("conn_wrong");
    expect([held.status, held.body.code]).toEqual([503, "integration_held"]);
    expect(Number(held.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(authorizationServer.tokenResponses()).toEqual(before);
    expect(await service.show("conn_wrong")).toMatchObject({ status: "active" });
    await putIntegration("wrong", authorizationServer.clientSecret());
    await untilStatus(200, "conn_wrong");
  });
});

/** A hold ends by itself, and the secret of a held integration is read again once a second. */
async function untilStatus(status: number, connectionId: string): Promise<void> {
  while ((await service.refresh(connectionId)).status !== status) await sleep(100);
}

describe("the error of an unusable registration names the integration and the reason:", () => {
  test("an address in a private range", async () => {
    await service.admin(
      "integrations put metadata --token-endpoint https://169.254.169.254/token --client-id c --auth none",
    );
    await service.admin(
      "connections put conn_meta --workspace wsp_demo --integration metadata",
      "r",
    );
    const { status, body } = await service.refresh("conn_meta");
    expect([status, body.code]).toEqual([502, "misconfigured_integration"]);
    expect(String(body.detail)).toContain("metadata");
  });

  test("a variable that the connection's config does not fill", async () => {
    const put = (endpoint: string) =>
      service.admin(
        `integrations put templated --token-endpoint ${endpoint} --client-id c --auth none`,
      );
    await put("https://eu.example.com/token");
    await service.admin(
      "connections put conn_templ --workspace wsp_demo --integration templated",
      "r",
    );
    await put("https://{subdomain}.example.com/token");
    const { status, body } = await service.refresh("conn_templ");
    expect([status, body.code]).toEqual([502, "misconfigured_integration"]);
    expect(String(body.detail)).toContain("subdomain");
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
