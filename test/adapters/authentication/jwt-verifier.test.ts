import { createHmac } from "node:crypto";
import { base64url, UnsecuredJWT } from "jose";
import { jwtVerifier } from "../../../functions/adapters/authentication/jwt-verifier.ts";
import { StoreUnavailable } from "../../../functions/domain/model/errors.ts";
import { Secret } from "../../../functions/domain/model/secret.ts";
import { startIssuer, type TestIssuer } from "../../support/key-set-server.ts";

const nowSeconds = 1_760_875_200;
const clock = { nowMs: () => nowSeconds * 1000, sleep: async () => undefined };

let issuer: TestIssuer;
beforeEach(async () => {
  issuer = await startIssuer();
});
afterEach(() => issuer.close());

const claims = () => ({
  iss: issuer.issuer,
  aud: "api",
  sub: "user-1",
  exp: nowSeconds + 60,
  workspace_id: "wsp_one",
});

const verifier = (keySetTimeoutMs?: number) =>
  jwtVerifier({
    issuer: issuer.issuer,
    audience: "api",
    jwksUri: issuer.jwksUri,
    algorithms: ["RS256", "ES256"],
    clock,
    ...(keySetTimeoutMs !== undefined && { keySetTimeoutMs }),
  });

const verify = (token: string) => verifier().verify(new Secret(token));

describe("a token of the issuer", () => {
  it("is verified, and its claims are read", async () => {
    const token = await issuer.sign({
      ...claims(),
      aud: ["other", "api"],
      workspace_ids: ["wsp_two", "wsp_three"],
      scope: "openid connections:refresh",
    });
    await expect(verify(token)).resolves.toEqual({
      kind: "verified",
      claims: {
        subject: "user-1",
        workspaceId: "wsp_one",
        workspaceIds: ["wsp_two", "wsp_three"],
        scopes: ["openid", "connections:refresh"],
      },
    });
  });

  it.each([
    [{}, undefined],
    [{ scope: "" }, []],
    [{ scope: null }, []],
    [{ scope: null, scp: ["a"] }, []],
    [{ scope: "a b" }, ["a", "b"]],
    [{ scp: "a b" }, ["a", "b"]],
    [{ scp: ["a", "b"] }, ["a", "b"]],
    [{ scope: "a", scp: ["b"] }, ["a"]],
  ])("that says %j of scopes has %j", async (stated, scopes) => {
    const token = await issuer.sign({ ...claims(), ...stated });
    await expect(verify(token)).resolves.toMatchObject({ claims: { scopes } });
  });

  it("may name no workspace at all", async () => {
    const token = await issuer.sign({ ...claims(), workspace_id: undefined });
    await expect(verify(token)).resolves.toMatchObject({
      claims: { workspaceId: undefined, workspaceIds: [] },
    });
  });

  it("is taken within five seconds of its end", async () => {
    const within = await issuer.sign({ ...claims(), exp: nowSeconds - 4 });
    await expect(verify(within)).resolves.toMatchObject({ kind: "verified" });
  });

  it("costs one request for the key set, however many tokens come", async () => {
    const { verify: verifyOne } = verifier();
    const token = new Secret(await issuer.sign(claims()));
    await Promise.all([verifyOne(token), verifyOne(token)]);
    await verifyOne(token);
    expect(issuer.requests()).toBe(1);
  });
});

describe("refused", () => {
  it.each([
    ["token_expired", { exp: nowSeconds - 6 }],
    ["token_claims", { exp: undefined }],
    ["token_claims", { exp: "tomorrow" }],
    ["token_claims", { nbf: nowSeconds + 60 }],
    ["token_claims", { aud: "another-api" }],
    ["token_claims", { aud: undefined }],
    ["token_claims", { iss: "https://another.example" }],
    ["token_claims", { workspace_id: 7 }],
    ["token_claims", { workspace_id: "wsp one" }],
    ["token_claims", { workspace_id: null }],
    ["token_claims", { workspace_ids: "wsp_one" }],
    ["token_claims", { workspace_ids: ["wsp_one", "*"] }],
    ["token_claims", { scope: 7 }],
    ["token_claims", { scp: [7] }],
  ])("%s: %j", async (reason, override) => {
    const token = await issuer.sign({ ...claims(), ...override });
    await expect(verify(token)).resolves.toEqual({ kind: "refused", reason });
  });

  it("alg none", async () => {
    const token = new UnsecuredJWT(claims()).encode();
    await expect(verify(token)).resolves.toEqual({ kind: "refused", reason: "token_algorithm" });
    expect(issuer.requests()).toBe(0);
  });

  it("an HMAC made with the public key", async () => {
    const header = base64url.encode(JSON.stringify({ alg: "HS256", kid: "key-1" }));
    const payload = base64url.encode(JSON.stringify(claims()));
    const signature = createHmac("sha256", issuer.publicKeyPem)
      .update(`${header}.${payload}`)
      .digest("base64url");
    const token = `${header}.${payload}.${signature}`;
    await expect(verify(token)).resolves.toEqual({ kind: "refused", reason: "token_algorithm" });
  });

  it("an algorithm that is not configured", async () => {
    const [, payload, signature] = (await issuer.sign(claims())).split(".");
    const header = base64url.encode(JSON.stringify({ alg: "RS512", kid: "key-1" }));
    await expect(verify(`${header}.${payload}.${signature}`)).resolves.toEqual({
      kind: "refused",
      reason: "token_algorithm",
    });
  });

  it("a key that the issuer does not have", async () => {
    const token = await issuer.sign(claims(), { kid: "key-2" });
    await expect(verify(token)).resolves.toEqual({ kind: "refused", reason: "token_key_unknown" });
  });

  it("another signer with the same key id", async () => {
    const impostor = await startIssuer();
    const token = await impostor.sign(claims());
    await impostor.close();
    await expect(verify(token)).resolves.toEqual({ kind: "refused", reason: "token_signature" });
  });

  it("a changed payload", async () => {
    const [header, , signature] = (await issuer.sign(claims())).split(".");
    const payload = base64url.encode(JSON.stringify({ ...claims(), workspace_id: "wsp_other" }));
    await expect(verify(`${header}.${payload}.${signature}`)).resolves.toEqual({
      kind: "refused",
      reason: "token_signature",
    });
  });

  it.each(["", "x", "a.b.c", "..", "eyJhbGciOiJSUzI1NiJ9.e30", "otr_short"])(
    "what is no JWT: %p",
    async (token) => {
      await expect(verify(token)).resolves.toEqual({ kind: "refused", reason: "token_malformed" });
    },
  );
});

describe("a key set that cannot be had is no refusal", () => {
  const unavailable = async (keySetTimeoutMs?: number) => {
    const token = new Secret(await issuer.sign(claims()));
    await expect(verifier(keySetTimeoutMs).verify(token)).rejects.toThrow(StoreUnavailable);
  };

  it("unreachable", async () => {
    await issuer.close();
    await unavailable();
  });

  it("hanging before its first byte", async () => {
    issuer.respondWith(() => undefined);
    await unavailable(50);
  });

  it("hanging after its first byte", async () => {
    issuer.respondWith((response) => void response.write('{"keys":['));
    await unavailable(50);
  });

  it("breaking off", async () => {
    issuer.respondWith((response) => void response.write("{", () => response.destroy()));
    await unavailable();
  });

  it("without end", async () => {
    const more = Buffer.alloc(64 * 1024, " ");
    issuer.respondWith((response) => {
      const write = (): void => {
        while (!response.destroyed && response.write(more));
        response.once("drain", write);
      };
      write();
    });
    await unavailable();
  });

  it("an error, a redirect, nothing", async () => {
    for (const status of [500, 302, 204, 404]) {
      issuer.respondWith(
        (response) => void response.writeHead(status, { Location: "/keys" }).end(),
      );
      await unavailable();
    }
  });

  it.each(["not JSON", "[]", "{}", '{"keys":"none"}', '{"keys":[7]}'])(
    "responding with %s",
    async (body) => {
      issuer.respondWith((response) => void response.end(body));
      await unavailable();
    },
  );
});

it("a key set that comes back is used again", async () => {
  const { verify: verifyOne } = verifier();
  const token = new Secret(await issuer.sign(claims()));
  issuer.respondWith((response) => void response.writeHead(500).end());
  await expect(verifyOne(token)).rejects.toThrow(StoreUnavailable);
  issuer.respondWith("keys");
  await expect(verifyOne(token)).resolves.toMatchObject({ kind: "verified" });
});

describe("the key set", () => {
  const movable = () => {
    let nowMs = nowSeconds * 1000;
    const { verify: verifyOne } = jwtVerifier({
      issuer: issuer.issuer,
      audience: "api",
      jwksUri: issuer.jwksUri,
      algorithms: ["RS256"],
      clock: { nowMs: () => nowMs, sleep: async () => undefined },
    });
    const tokenFor = (header = {}) =>
      issuer.sign({ ...claims(), exp: Math.floor(nowMs / 1000) + 60 }, header);
    return {
      advance: (durationMs: number) => {
        nowMs += durationMs;
      },
      verifyNew: async (header = {}) => verifyOne(new Secret(await tokenFor(header))),
    };
  };
  const isDown = () => issuer.respondWith((response) => void response.writeHead(503).end());

  it("that is stale still serves while the issuer is down, for a day", async () => {
    const { advance, verifyNew } = movable();
    await expect(verifyNew()).resolves.toMatchObject({ kind: "verified" });
    isDown();
    advance(23 * 3_600_000);
    await expect(verifyNew()).resolves.toMatchObject({ kind: "verified" });
    advance(2 * 3_600_000);
    await expect(verifyNew()).rejects.toThrow(StoreUnavailable);
    issuer.respondWith("keys");
    await expect(verifyNew()).resolves.toMatchObject({ kind: "verified" });
  });

  it("is read at most every thirty seconds, whatever keys forged tokens name", async () => {
    const { advance, verifyNew } = movable();
    await verifyNew();
    for (let i = 0; i < 100; i++) {
      const verdict = await verifyNew({ kid: `forged-${i}` });
      expect(verdict).toEqual({ kind: "refused", reason: "token_key_unknown" });
    }
    // The one read is not thirty seconds ago.
    expect(issuer.requests()).toBe(1);
    advance(30_000);
    await Promise.all(Array.from({ length: 100 }, (_, i) => verifyNew({ kid: `forged-${i}` })));
    expect(issuer.requests()).toBe(2);
    isDown();
    advance(10 * 60_000);
    for (let i = 0; i < 10; i++) {
      await expect(verifyNew()).resolves.toMatchObject({ kind: "verified" });
    }
    expect(issuer.requests()).toBe(3);
  });
});

it.each(["dpop+jwt", "logout+jwt", "secevent+jwt"])(
  "a token of type %s was made for another purpose",
  async (typ) => {
    const token = await issuer.sign(claims(), { typ });
    await expect(verify(token)).resolves.toEqual({ kind: "refused", reason: "token_type" });
  },
);

it.each(["JWT", "at+jwt", "application/at+JWT"])("a token of type %s is verified", async (typ) => {
  const token = await issuer.sign(claims(), { typ });
  await expect(verify(token)).resolves.toMatchObject({ kind: "verified" });
});
