import { generateKeyPairSync } from "node:crypto";
import { Events, OAuth2Server } from "oauth2-mock-server";
import { oauthTokenEndpoint } from "../../../functions/adapters/token-endpoint/oauth-token-endpoint.ts";
import { Secret } from "../../../functions/domain/model/secret.ts";
import type { TokenResult } from "../../../functions/domain/ports/token-endpoint.ts";
import { type NodeOauthServerOptions, startNodeOauthServer } from "../../support/oauth2-server.ts";
import { parsedRegistration } from "../../support/parsed-registration.ts";
import { tokenRequest } from "../../support/token-requests.ts";

type Members = Readonly<Record<string, unknown>>;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

const grant = oauthTokenEndpoint({ clock: { nowMs: Date.now }, allowLoopback: true });
const refreshAt = (members: Members, refreshToken: string): Promise<TokenResult> =>
  grant.refresh(
    tokenRequest(parsedRegistration(members), { refreshToken: new Secret(refreshToken) }),
  );
const tokensOf = (result: TokenResult) => {
  if (result.kind !== "granted") throw new Error(JSON.stringify(result));
  return result.tokens;
};

describe("@node-oauth/oauth2-server", () => {
  async function serving(options?: NodeOauthServerOptions) {
    const server = await startNodeOauthServer(options);
    closing.push(server.close);
    const bySecret = {
      token_endpoint: server.tokenEndpoint,
      client_id: server.clientId,
      client_secret: server.clientSecret,
    };
    return { ...server, bySecret };
  }

  test.each(["client_secret_basic", "client_secret_post"])(
    "by %s: tokens come, rotated; a token that was used is refused, and what came for it is good",
    async (token_endpoint_auth_method) => {
      const { bySecret, mintRefreshToken } = await serving();
      const members = { ...bySecret, token_endpoint_auth_method };
      const used = mintRefreshToken();
      const first = await refreshAt(members, used);
      const rotated = tokensOf(first).refreshToken?.reveal() ?? "";
      expect(first).toMatchObject({ notes: [], tokens: { tokenType: "Bearer", scope: "read" } });
      expect(await refreshAt(members, used)).toMatchObject({
        kind: "refused",
        providerError: "invalid_grant",
      });
      expect(await refreshAt(members, rotated)).toMatchObject({ kind: "granted" });
    },
  );

  test("without rotation: no refresh token comes, and the old one stays good", async () => {
    const { bySecret, mintRefreshToken } = await serving({ rotates: false });
    const kept = mintRefreshToken();
    expect(tokensOf(await refreshAt(bySecret, kept)).refreshToken).toBeUndefined();
    expect(await refreshAt(bySecret, kept)).toMatchObject({ kind: "granted" });
  });

  test("an expired and an unknown refresh token are refused", async () => {
    const { bySecret, mintRefreshToken } = await serving();
    for (const token of [mintRefreshToken(new Date(0)), "unknown"]) {
      expect(await refreshAt(bySecret, token)).toMatchObject({
        kind: "refused",
        providerError: "invalid_grant",
      });
    }
  });

  test.each(["client_secret_basic", "client_secret_post"])(
    "a wrong secret by %s is the client's fault, and the token stays good",
    async (token_endpoint_auth_method) => {
      const { bySecret, mintRefreshToken } = await serving();
      const token = mintRefreshToken();
      const wrong = { ...bySecret, client_secret: "wrong", token_endpoint_auth_method };
      expect(await refreshAt(wrong, token)).toMatchObject({
        kind: "client_rejected",
        providerError: "invalid_client",
      });
      expect(await refreshAt(bySecret, token)).toMatchObject({ kind: "granted" });
    },
  );

  test("a client that may not refresh is the client's fault, and so is a public one where none may be", async () => {
    const strict = await serving({ grants: ["authorization_code"] });
    expect(await refreshAt(strict.bySecret, strict.mintRefreshToken())).toMatchObject({
      kind: "client_rejected",
      providerError: "unauthorized_client",
    });
    const { bySecret, mintRefreshToken } = await serving();
    const withoutSecret = { ...bySecret, client_secret: undefined };
    expect(await refreshAt(withoutSecret, mintRefreshToken())).toMatchObject({
      kind: "client_rejected",
      providerError: "invalid_client",
    });
  });

  test("a public client refreshes where that is allowed", async () => {
    const { bySecret, mintRefreshToken } = await serving({ isConfidential: false });
    const withoutSecret = { ...bySecret, client_secret: undefined };
    expect(await refreshAt(withoutSecret, mintRefreshToken())).toMatchObject({ kind: "granted" });
  });
});

describe("oauth2-mock-server, found by its issuer alone", () => {
  async function serving() {
    const server = new OAuth2Server();
    const { privateKey } = generateKeyPairSync("ed25519");
    await server.issuer.keys.add({ ...privateKey.export({ format: "jwk" }), alg: "EdDSA" });
    await server.start(0, "127.0.0.1");
    closing.push(() => server.stop());
    const members = { issuer: server.issuer.url, client_id: "client" };
    return { service: server.service, refresh: () => refreshAt(members, "rt-1") };
  }

  test("tokens come, and a refresh token with them", async () => {
    const { refresh } = await serving();
    const { refreshToken, tokenType, extra } = tokensOf(await refresh());
    expect(refreshToken?.reveal()).toMatch(/^[0-9a-f-]{36}$/);
    expect(tokenType).toBe("Bearer");
    expect(extra).toEqual({});
  });

  test.each<[string, number, Members | string, object]>([
    ["a dead token", 400, { error: "invalid_grant" }, { kind: "refused" }],
    ["a rejected client", 401, { error: "invalid_client" }, { kind: "client_rejected" }],
    ["no capacity", 503, {}, { kind: "unavailable" }],
    ["too many requests", 429, {}, { kind: "rate_limited" }],
    ["its own failure", 500, { error: "invalid_grant" }, { kind: "unusable" }],
    ["nothing of use", 200, {}, { kind: "unusable" }],
    ["a text", 200, "<html>", { kind: "unusable" }],
    ["an error in a 200", 200, { error: "invalid_grant" }, { kind: "refused" }],
    [
      "tokens with another status",
      201,
      { access_token: "at-2", refresh_token: "rt-2", token_type: "Bearer" },
      { kind: "granted", notes: ["the status is 201"] },
    ],
  ])("forced to respond with %s", async (_, statusCode, body, expected) => {
    const { service, refresh } = await serving();
    service.once(Events.BeforeResponse, (response) =>
      Object.assign(response, { statusCode, body }),
    );
    expect(await refresh()).toMatchObject(expected);
    expect(await refresh()).toMatchObject({ kind: "granted" });
  });

  test("metadata that is not to be had keeps every token at home", async () => {
    const { service, refresh } = await serving();
    let grants = 0;
    service.on(Events.BeforeResponse, () => {
      grants += 1;
    });
    service.once(Events.BeforeWellKnownOpenIdConfiguration, (response) => {
      response.statusCode = 503;
    });
    expect(await refresh()).toMatchObject({ kind: "unavailable" });
    service.once(Events.BeforeWellKnownOpenIdConfiguration, (response) => {
      Object.assign(response.body, { issuer: "https://evil.example" });
    });
    expect(await refresh()).toMatchObject({ kind: "misconfigured" });
    expect(grants).toBe(0);
    expect(await refresh()).toMatchObject({ kind: "granted" });
  });
});
