import { createServer } from "node:net";
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from "../../bin/local/authorization-server.ts";
import { type LocalService, startLocalService } from "../support/local-service.ts";
import { type ProviderStandIn, startProvider } from "../support/provider-stand-in.ts";

type Respond = Parameters<typeof startProvider>[0];

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Respond =>
  (response) => {
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };
const raw =
  (status: number, contentType: string, body: string): Respond =>
  (response) => {
    response.writeHead(status, { "Content-Type": contentType }).end(body);
  };
let tokens = 0;
const good: Respond = (response, request) =>
  json(200, {
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

interface Broken {
  readonly connectionId: string;
  readonly provider: ProviderStandIn;
  /** From now on the provider answers so. */
  respondWith(respond: Respond): void;
}

let serial = 0;
async function connect(first: Respond): Promise<Broken> {
  let respond = first;
  const provider = await startProvider((response, request) => respond(response, request));
  providers.push(provider);
  const name = `broken-${++serial}`;
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
    respondWith: (next) => {
      respond = next;
    },
  };
}

const show = async (connectionId: string): Promise<Record<string, unknown>> =>
  JSON.parse(await service.admin(`connections show ${connectionId} --workspace wsp_demo --json`));

describe("a provider's bad answer is told apart, kills nothing, and is forgotten by the next good one:", () => {
  test.each<[string, Respond, number, string]>([
    ["garbage", raw(200, "application/json", "\u0000{]"), 502, "provider_error"],
    ["an HTML page", raw(200, "text/html", "<html>Sign in</html>"), 502, "provider_error"],
    ["an empty body", raw(200, "application/json", ""), 502, "provider_error"],
    ["200 with an error", json(200, { ok: false, error: "fatal_error" }), 502, "provider_error"],
    ["500", json(500, { error: "server_error" }), 502, "provider_error"],
    ["500 with invalid_grant", json(500, { error: "invalid_grant" }), 502, "provider_error"],
    ["a redirect", raw(302, "text/plain", ""), 502, "provider_error"],
    ["503", json(503, {}), 502, "provider_error"],
    ["429", json(429, {}), 429, "provider_rate_limited"],
    ["a connection closed", (response) => response.destroy(), 502, "provider_error"],
  ])("%s", async (_, respond, status, code) => {
    const { connectionId, respondWith } = await connect(respond);
    const answer = await service.refresh(connectionId);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(await show(connectionId)).toMatchObject({
      status: "active",
      credentials_version: 1,
      failure: code,
      failure_count: 1,
    });
    respondWith(good);
    expect(await untilAnswered(200, connectionId)).toBe(200);
    expect((await show(connectionId)).failure).toBeUndefined();
  });

  test("429 with Retry-After is the provider's word to all: it is not asked again before", async () => {
    const { connectionId, provider, respondWith } = await connect(
      json(429, {}, { "Retry-After": "4" }),
    );
    const first = await service.refresh(connectionId);
    expect(first.headers.get("Retry-After")).toBe("4");
    respondWith(good);
    const held = await service.refresh(connectionId);
    expect([held.status, held.body.code]).toEqual([429, "provider_rate_limited"]);
    expect(Number(held.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(provider.requests).toHaveLength(1);
    expect(await untilAnswered(200, connectionId)).toBe(200);
    expect((await show(connectionId)).failure).toBeUndefined();
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

describe("a provider slower than the budget", () => {
  test("is 504 for all who wait, asked once, and the token that it accepts later still serves", async () => {
    const { connectionId, provider, respondWith } = await connect(() => undefined);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => service.refresh(connectionId)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([504]));
    expect(answers.map(({ body }) => body.code)).toEqual(Array(5).fill("provider_timeout"));
    expect(provider.requests).toHaveLength(1);
    expect(await show(connectionId)).toMatchObject({ status: "active", failure_count: 1 });

    respondWith(good);
    // Whoever asks before the provider can be done gets the same outcome, at once.
    expect(await service.refresh(connectionId)).toMatchObject({ status: 504 });
    expect(await untilAnswered(200, connectionId)).toBe(200);
    const [first, second] = provider.requests.map(({ body }) =>
      new URLSearchParams(body).get("refresh_token"),
    );
    expect(second).toBe(first);
  });
});

describe("what a provider grants oddly is kept all the same:", () => {
  test.each<[string, Respond]>([
    ["status 201", json(201, { access_token: "a", refresh_token: "rt-kept" })],
    [
      "with an error beside it",
      json(200, { access_token: "a", refresh_token: "rt-kept", error: "x" }),
    ],
    [
      "as a form",
      raw(200, "application/x-www-form-urlencoded", "access_token=a&refresh_token=rt-kept"),
    ],
    [
      "no token_type, expires_in null",
      json(200, { access_token: "a", refresh_token: "rt-kept", expires_in: null }),
    ],
  ])("%s", async (_, respond) => {
    const { connectionId, provider } = await connect(respond);
    const { status, body } = await service.refresh(connectionId);
    expect([status, body.expires_at]).toEqual([200, null]);
    await service.refresh(connectionId, { force: true });
    expect(provider.requests[1]?.body).toContain("refresh_token=rt-kept");
  });
});

describe("a bad client", () => {
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

  test("whose secret was rotated while it was cached is read again, and nobody notices", async () => {
    await putIntegration("rotated", authorizationServer.clientSecret());
    await putConnection("conn_rotated", "rotated");
    expect(await service.refresh("conn_rotated")).toMatchObject({ status: 200 });
    await putIntegration("rotated", authorizationServer.rotateClientSecret());
    expect(await service.refresh("conn_rotated", { force: true })).toMatchObject({ status: 200 });
  });

  test("holds its integration, not the connection, until the secret is mended", async () => {
    await putIntegration("wrong", "not-the-secret");
    await putConnection("conn_wrong", "wrong");
    const first = await service.refresh("conn_wrong");
    expect([first.status, first.body.code]).toEqual([502, "client_rejected"]);
    expect(String(first.body.detail)).toContain("wrong");
    const before = authorizationServer.tokenResponses();
    const second = await service.refresh("conn_wrong");
    expect([second.status, second.body.code]).toEqual([503, "integration_held"]);
    expect(Number(second.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(authorizationServer.tokenResponses()).toEqual(before);
    expect(await show("conn_wrong")).toMatchObject({ status: "active" });
    await putIntegration("wrong", authorizationServer.clientSecret());
    expect(await untilAnswered(200, "conn_wrong")).toBe(200);
  });
});

/** A held integration's secret is looked at once a second. */
async function untilAnswered(status: number, connectionId: string): Promise<number> {
  for (let tries = 0; ; tries++) {
    const answer = await service.refresh(connectionId);
    if (answer.status === status || tries === 80) return answer.status;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe("a registration that cannot be used says which, and what is wrong:", () => {
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
