import { generateKeyPairSync } from "node:crypto";
import { CommandFailed } from "../../../bin/admin/io.ts";
import { parseTokens } from "../../../bin/admin/token-input.ts";
import type { RegisteredProvider } from "../../../functions/adapters/client-registration/registered-provider.ts";
import { Secret } from "../../../functions/domain/model/secret.ts";

const nowMs = Date.UTC(2026, 0, 1);
const parse = (text: string) => {
  const { tokens, ...rest } = parseTokens(new Secret(text), nowMs);
  const { accessToken, refreshToken, ...others } = tokens;
  return {
    ...rest,
    ...others,
    accessToken: accessToken.reveal(),
    refreshToken: refreshToken?.reveal(),
  };
};

describe("tokens on stdin", () => {
  test("a bare refresh token: the next call fetches an access token", () => {
    expect(parse("refresh-1\n")).toMatchObject({
      accessToken: "",
      refreshToken: "refresh-1",
      expiresAtMs: nowMs,
      notes: [],
    });
  });

  test("a token response: its lifetimes count from now", () => {
    const response = {
      access_token: "access-1",
      refresh_token: "refresh-1",
      token_type: "Bearer",
      scope: "a b",
      expires_in: 3600,
      refresh_token_expires_in: "7200",
      instance_url: "https://acme.example",
    };
    expect(parse(JSON.stringify(response))).toEqual({
      accessToken: "access-1",
      refreshToken: "refresh-1",
      tokenType: "Bearer",
      scope: "a b",
      expiresAtMs: nowMs + 3_600_000,
      refreshTokenExpiresAtMs: nowMs + 7_200_000,
      extra: { instance_url: "https://acme.example" },
      notes: [],
    });
  });

  test("a form-encoded token response, as GitHub sends it", () => {
    const form = "access_token=a&expires_in=60&refresh_token=r&scope=&token_type=bearer\n";
    expect(parse(form)).toMatchObject({
      accessToken: "a",
      refreshToken: "r",
      expiresAtMs: nowMs + 60_000,
    });
  });

  test("a bare token may contain characters of a form", () => {
    expect(parse("a&b=c==").refreshToken).toBe("a&b=c==");
  });

  test.each([
    ["ahead", "2026-01-01T01:00:00Z", nowMs + 3_600_000],
    ["past", "2025-12-31T23:00:00Z", nowMs],
  ])("a stored response with an expiry of %s", (_, expires_at, expiresAtMs) => {
    const response = { access_token: "a", refresh_token: "r", expires_at };
    expect(parse(JSON.stringify(response)).expiresAtMs).toBe(expiresAtMs);
  });

  test("a response without an expiry leaves it unknown", () => {
    expect(parse('{"access_token":"a","refresh_token":"r"}').expiresAtMs).toBeUndefined();
  });

  test("a response without a refresh token yields a note", () => {
    expect(parse('{"access_token":"a","token_type":"Bearer","expires_in":60}').notes).toEqual([
      "the token response holds no refresh_token",
    ]);
  });

  test("a response with a refresh token alone keeps its other members", () => {
    expect(parse('{"refresh_token":"r","scope":"a","team":"t"}')).toMatchObject({
      accessToken: "",
      refreshToken: "r",
      scope: "a",
      expiresAtMs: nowMs,
      extra: { team: "t" },
    });
  });

  test("a response in the format of the registration's provider", () => {
    const provider: RegisteredProvider = {
      ...{ tokensAt: "data", scopeSeparator: "comma", refreshTokenIdleSeconds: 60 },
    };
    const registration = { provider, renewsWithAccessToken: false };
    const response = { data: { access_token: "a", refresh_token: "r", scope: "x,y" } };
    const given = parseTokens(new Secret(JSON.stringify(response)), nowMs, registration);
    expect(given.tokens.refreshToken?.reveal()).toBe("r");
    expect(given.tokens.scope).toBe("x y");
    expect(given.refreshTokenExpiresAtMs).toBe(nowMs + 60_000);
  });

  test("a bare token is the access token if the provider renews that with itself", () => {
    const provider: RegisteredProvider = {
      ...{ renewsWith: "access_token", accessTokenLifetimeSeconds: 60 },
    };
    const registration = { provider, renewsWithAccessToken: true };
    const given = parseTokens(new Secret("token-1"), nowMs, registration);
    expect(given.tokens.accessToken.reveal()).toBe("token-1");
    expect(given.tokens.refreshToken).toBeUndefined();
    expect(given.tokens.expiresAtMs).toBe(nowMs + 60_000);
    expect(given.notes).not.toContain("the token response holds no refresh_token");
  });

  test.each([
    ["two lines", "canary-1\ncanary-2", "characters that a token cannot have"],
    ["damaged JSON", '{"access_token": "canary', "is not valid JSON"],
    ["JSON without tokens", '{"token": "canary"}', "neither an access_token nor a refresh_token"],
  ])("are rejected, and not quoted: %s", (_, text, reason) => {
    expect(() => parse(text)).toThrow(reason);
    expect(() => parse(text)).not.toThrow("canary");
  });
});

describe("dpop_jwk beside the tokens", () => {
  const response = { refresh_token: "refresh-1" };
  const jwk = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });

  test("is the key that the tokens are bound to, and not a member for callers", () => {
    const { dpopKey, extra } = parse(JSON.stringify({ ...response, dpop_jwk: jwk }));
    expect(JSON.parse(dpopKey?.reveal() ?? "")).toEqual(jwk);
    expect(extra).toEqual({});
  });

  test.each<[string, unknown]>([
    ["has a kty that is not RSA, EC or OKP", "hunter2"],
    ["has a kty that is not RSA, EC or OKP", null],
    ["is a public key: the private one is needed", { ...jwk, d: undefined }],
    ["has an alg that a key of its kind cannot sign with", { ...jwk, alg: "ES256" }],
  ])("%s: rejected, and not quoted", (reason, dpop_jwk) => {
    expect(() => parse(JSON.stringify({ ...response, dpop_jwk }))).toThrow(
      new CommandFailed(`dpop_jwk on stdin ${reason}`),
    );
  });
});
