import {
  type AuthorizationServer,
  startAuthorizationServer,
} from "../../../bin/local/authorization-server.ts";
import { oauthTokenEndpoint } from "../../../functions/adapters/token-endpoint/oauth-token-endpoint.ts";
import { Secret } from "../../../functions/domain/model/secret.ts";
import type { ClientRegistration } from "../../../functions/domain/ports/client-registration.ts";
import type { TokenRequest } from "../../../functions/domain/ports/token-endpoint.ts";
import {
  type ProviderStandIn,
  startProvider,
  startRawProvider,
} from "../../support/provider-stand-in.ts";
import { clientRegistration, tokenRequest } from "../../support/token-requests.ts";

const startMs = Date.UTC(2026, 0, 1, 12);
const grant = oauthTokenEndpoint({ clock: { nowMs: () => startMs }, allowLoopback: true });
const refresh = (
  { url }: Pick<ProviderStandIn, "url">,
  changes: Partial<TokenRequest> = {},
  client: Partial<ClientRegistration> = {},
) =>
  grant.refresh(tokenRequest(clientRegistration({ tokenEndpoint: url.href, ...client }), changes));

const providers: ProviderStandIn[] = [];
afterEach(async () => {
  await Promise.all(providers.splice(0).map((provider) => provider.close()));
});
async function providing(...args: Parameters<typeof startProvider>): Promise<ProviderStandIn> {
  const provider = await startProvider(...args);
  providers.push(provider);
  return provider;
}
const respondingWith = (status: number, body: string, headers: Record<string, string> = {}) =>
  providing((response) => {
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(body);
  });
const goodResponse =
  '{"access_token":"at-2","refresh_token":"rt-2","token_type":"Bearer","expires_in":3600}';

describe("at a real authorization server", () => {
  let server: AuthorizationServer;
  let client: Partial<ClientRegistration>;
  const endpoint = () => ({ url: new URL(server.tokenEndpoint) });
  beforeAll(async () => {
    server = await startAuthorizationServer();
    client = { clientId: server.clientId, clientSecret: new Secret(server.clientSecret()) };
  });
  afterAll(() => server.close());

  test("tokens come, rotated, and a token that is used twice is refused", async () => {
    const refreshToken = new Secret(await server.mintRefreshToken());
    const first = await refresh(endpoint(), { refreshToken }, client);
    if (first.kind !== "granted") throw new Error(JSON.stringify(first));
    expect(first.notes).toEqual([]);
    expect(first.tokens.expiresAtMs).toBe(startMs + 120_000);
    const rotated = first.tokens.refreshToken;
    expect(rotated?.reveal()).not.toBe(refreshToken.reveal());
    expect(await refresh(endpoint(), { refreshToken }, client)).toMatchObject({
      kind: "refused",
      providerError: "invalid_grant",
    });
  });

  test("a wrong secret is the client's fault, not the token's", async () => {
    const refreshToken = new Secret(await server.mintRefreshToken());
    const wrong = { ...client, clientSecret: new Secret("wrong") };
    expect(await refresh(endpoint(), { refreshToken }, wrong)).toMatchObject({
      kind: "client_rejected",
      providerError: "invalid_client",
    });
    expect(await refresh(endpoint(), { refreshToken }, client)).toMatchObject({ kind: "granted" });
  });
});

describe("what is sent", () => {
  const sent = async (changes: Partial<ClientRegistration>) => {
    const provider = await respondingWith(200, goodResponse);
    await refresh(provider, {}, changes);
    const [request] = provider.requests;
    return {
      method: request?.method,
      authorization: request?.headers.authorization,
      contentType: request?.headers["content-type"],
      userAgent: request?.headers["user-agent"],
      body: Object.fromEntries(new URLSearchParams(request?.body)),
    };
  };
  const form = { grant_type: "refresh_token", refresh_token: "rt-1" };

  test("client_secret_basic encodes both parts as a form does, RFC 6749 §2.3.1", async () => {
    const client = { clientId: "c:1", clientSecret: new Secret("s e+c/t") };
    const { method, authorization = "", contentType, body } = await sent(client);
    expect([method, contentType]).toEqual([
      "POST",
      expect.stringMatching(/^application\/x-www-form-urlencoded/),
    ]);
    expect(Buffer.from(authorization.replace("Basic ", ""), "base64").toString()).toBe(
      "c%3A1:s%20e%2Bc%2Ft",
    );
    expect(body).toEqual(form);
  });
  test("client_secret_post puts both into the form", async () => {
    const { authorization, userAgent, body } = await sent({
      tokenEndpointAuthMethod: "client_secret_post",
    });
    expect(userAgent).toBe("oauth-token-refresh");
    expect(authorization).toBeUndefined();
    expect(body).toEqual({ ...form, client_id: "client", client_secret: "secret" });
  });
  test("none sends the id alone", async () => {
    const { authorization, body } = await sent({
      tokenEndpointAuthMethod: "none",
      clientSecret: undefined,
    });
    expect(authorization).toBeUndefined();
    expect(body).toEqual({ ...form, client_id: "client" });
  });
});

describe("what a provider does:", () => {
  test.each<[string, number, string, Record<string, string>, object]>([
    ["429", 429, "{}", { "Retry-After": "7" }, { kind: "rate_limited", retryAfterMs: 7_000 }],
    ["503", 503, "", {}, { kind: "unavailable", retryAfterMs: undefined }],
    [
      "503 until a date",
      503,
      "",
      { Date: "Thu, 01 Jan 2026 12:00:00 GMT", "Retry-After": "Thu, 01 Jan 2026 12:00:09 GMT" },
      { kind: "unavailable", retryAfterMs: 9_000 },
    ],
    [
      "500",
      500,
      '{"error":"server_error"}',
      {},
      { kind: "unusable", providerError: "server_error" },
    ],
    ["an empty body", 200, "", {}, { kind: "unusable" }],
    ["HTML", 200, "<html>", { "Content-Type": "text/html" }, { kind: "unusable" }],
    ["a redirect", 307, "", { Location: "http://127.0.0.1:1/" }, { kind: "unusable" }],
  ])("%s", async (_, status, body, headers, expected) => {
    const provider = await respondingWith(status, body, headers);
    expect(await refresh(provider)).toMatchObject(expected);
    expect(provider.requests).toHaveLength(1);
  });

  test("a response without an end: cut at 1 MiB", async () => {
    const provider = await respondingWith(200, `{"junk":"${"x".repeat(2 * 1024 * 1024)}"}`);
    expect(await refresh(provider)).toEqual({
      kind: "unusable",
      reason: "expected tokens, got more than 1048576 bytes",
      serverFailed: false,
      mayHaveRotated: true,
    });
  });

  test("a response in more than two content codings: unusable", async () => {
    const codings = { "Content-Encoding": "gzip, gzip, gzip" };
    expect(await refresh(await respondingWith(200, "\x1f\x8b", codings))).toEqual({
      kind: "unusable",
      reason:
        "expected tokens, got application/json in more than 2 content codings, 3 bytes, status 200",
      serverFailed: false,
      mayHaveRotated: true,
    });
  });

  test("all that was sent is cut out of its words, and nothing where there was no more", async () => {
    const echo = (error_description: string) =>
      respondingWith(400, JSON.stringify({ error: "invalid_grant", error_description }));
    expect(await refresh(await echo("rt-1 at-1 secret"), { scope: "a" })).toEqual({
      kind: "refused",
      providerError: "invalid_grant",
      providerErrorDescription: "[redacted] [redacted] [redacted]",
    });
    const open = { tokenEndpointAuthMethod: "none", clientSecret: undefined } as const;
    expect(await refresh(await echo("gone"), {}, open)).toMatchObject({
      providerErrorDescription: "gone",
    });
  });

  test("tokens at the front of a response without an end are kept", async () => {
    const long = goodResponse.replace("}", `,"junk":"${"x".repeat(2 * 1024 * 1024)}"}`);
    expect(await refresh(await respondingWith(200, long))).toMatchObject({ kind: "granted" });
  });

  test("silence: timed out, for it may have rotated", async () => {
    const provider = await providing(() => undefined);
    expect(await refresh(provider, { timeoutMs: 1_000 })).toEqual({ kind: "timed_out" });
  });

  test("half a response, and then silence: timed out", async () => {
    const provider = await providing((response) => {
      response.writeHead(200, { "Content-Type": "application/json" }).write('{"token_type":');
    });
    expect(await refresh(provider, { timeoutMs: 1_000 })).toEqual({ kind: "timed_out" });
  });

  test("a connection that breaks once the request is out: broken off", async () => {
    const provider = await startRawProvider((socket) => socket.destroy());
    providers.push(provider);
    expect(await refresh(provider)).toMatchObject({ kind: "broken_off" });
  });

  // RFC 9112 §2.2, §5.2, §6.3: what a client is to make of them.
  test.each<[string, string]>([
    ["line feeds alone", `\nContent-Length: ${goodResponse.length}\n\n${goodResponse}`],
    [
      "a folded header",
      `\r\nX-Policy: a\r\n b\r\nContent-Length: ${goodResponse.length}\r\n\r\n${goodResponse}`,
    ],
    [
      "a length beside chunks",
      `\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${goodResponse.length.toString(16)}\r\n${goodResponse}\r\n0\r\n\r\n`,
    ],
  ])("tokens in a response with outdated framing: %s", async (_, rest) => {
    const provider = await startRawProvider((socket) => socket.end(`HTTP/1.1 200 OK${rest}`));
    providers.push(provider);
    expect(await refresh(provider)).toMatchObject({ kind: "granted" });
  });

  test("nobody listens: unavailable, for nothing was sent", async () => {
    const provider = await providing(() => undefined);
    await provider.close();
    expect(await refresh(provider)).toMatchObject({ kind: "unavailable" });
  });

  test("a certificate that nobody vouches for: unavailable, for nothing was sent", async () => {
    const provider = await providing((response) => response.end(goodResponse), { tls: true });
    expect(await refresh(provider)).toMatchObject({ kind: "unavailable" });
    expect(provider.requests).toHaveLength(0);
  });
});

describe("nothing is sent", () => {
  test("when maySend returns false", async () => {
    const provider = await respondingWith(200, goodResponse);
    expect(await refresh(provider, { maySend: () => false })).toEqual({ kind: "not_sent" });
    expect(provider.requests).toHaveLength(0);
  });

  test("to a loopback address where that is not allowed", async () => {
    const provider = await respondingWith(200, goodResponse);
    const strict = oauthTokenEndpoint({
      clock: { nowMs: () => startMs },
      lookup: async () => [{ address: "127.0.0.1", family: 4 }],
    });
    const result = await strict.refresh(
      tokenRequest(
        clientRegistration({ tokenEndpoint: `https://provider.example:${provider.port}/` }),
      ),
    );
    expect(result).toEqual({
      kind: "misconfigured",
      reason: "the host of the token endpoint has no address that may be connected to",
    });
    expect(provider.requests).toHaveLength(0);
  });

  test.each<[string, Partial<TokenRequest>, Partial<ClientRegistration>, string]>([
    ["over http to another host", {}, { tokenEndpoint: "http://acme.example/" }, "has to be https"],
    ["without a token", { refreshToken: undefined }, {}, "has no token that could be exchanged"],
  ])("%s", async (_what, changes, client, reason) => {
    const provider = await respondingWith(200, goodResponse);
    expect(await refresh(provider, changes, client)).toEqual({
      kind: "misconfigured",
      reason: expect.stringContaining(reason),
    });
    expect(provider.requests).toHaveLength(0);
  });

  test("when the host is not found: unavailable", async () => {
    const lost = oauthTokenEndpoint({
      clock: { nowMs: () => startMs },
      lookup: async () => {
        throw Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
      },
    });
    const result = await lost.refresh(
      tokenRequest(clientRegistration({ tokenEndpoint: "https://provider.example/token" })),
    );
    expect(result).toMatchObject({ kind: "unavailable" });
  });
});
