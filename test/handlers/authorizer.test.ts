import { UnsecuredJWT } from "jose";
import { jwtVerifier } from "../../functions/adapters/authentication/jwt-verifier.ts";
import { keyDigest } from "../../functions/adapters/authentication/key-digest.ts";
import { authenticate } from "../../functions/domain/authentication.ts";
import { isWorkspaceId, type WorkspaceId } from "../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../functions/domain/model/errors.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import type { ApiKeyRecord } from "../../functions/domain/ports/authentication.ts";
import { authorizerHandler } from "../../functions/handlers/authorizer.ts";
import { startIssuer, type TestIssuer } from "../support/key-set-server.ts";
import { authorizerEvent, lambdaContext } from "../support/lambda-events.ts";
import { recordedLog } from "../support/recorded-log.ts";

const nowSeconds = 1_760_875_200;
const clock = { nowMs: () => nowSeconds * 1000, sleep: async () => undefined };
const workspace = (name: string): WorkspaceId => {
  if (!isWorkspaceId(name)) throw new Error("test data");
  return name;
};

const keyOf = (name: string): string => `otr_${name.padEnd(43, "0")}`;
const record = (name: string, changes: Partial<ApiKeyRecord> = {}): ApiKeyRecord => ({
  keyHash: keyDigest.of(new Secret(keyOf(name))),
  keyId: name,
  workspaceId: workspace("wsp_one"),
  workspaceIds: [workspace("wsp_two")],
  scopes: undefined,
  status: "active",
  expiresAtMs: undefined,
  ...changes,
});
const records = [
  record("good"),
  record("revoked", { status: "revoked" }),
  record("expired", { expiresAtMs: nowSeconds * 1000 - 1 }),
  record("reader", { scopes: ["connections:read"] }),
];

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startIssuer();
});
beforeEach(() => issuer.respondWith("keys"));
afterAll(() => issuer.close());

function authorizer({
  storeIsDown = false,
  keySetTimeoutMs = 30_000,
  usageKeyOf,
}: {
  storeIsDown?: boolean;
  keySetTimeoutMs?: number;
  usageKeyOf?: (principalId: string) => string;
} = {}) {
  const { log, lines } = recordedLog();
  const handler = authorizerHandler({
    authenticate: authenticate({
      apiKeys: {
        find: async (hash) => {
          if (storeIsDown) throw new StoreUnavailable("DynamoDB", new Error("ECONNREFUSED"));
          return records.find(({ keyHash }) => keyHash === hash);
        },
      },
      digest: keyDigest,
      tokens: jwtVerifier({
        issuer: issuer.issuer,
        audience: "api",
        jwksUri: issuer.jwksUri,
        algorithms: ["RS256"],
        clock,
        keySetTimeoutMs,
      }),
      clock,
    }),
    usageKeyOf,
    log,
  });
  const ask = (headers: Record<string, string>, several?: Record<string, string[]>) =>
    handler(authorizerEvent(headers, several), lambdaContext);
  return { ask, handler, lines };
}

const claims = (changes: Record<string, unknown> = {}) => ({
  iss: issuer.issuer,
  aud: "api",
  sub: "user-1",
  exp: nowSeconds + 60,
  workspace_id: "wsp_one",
  ...changes,
});

const stage = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/*";
const statement = (Effect: "Allow" | "Deny") => ({
  Version: "2012-10-17",
  Statement: [{ Action: "execute-api:Invoke", Effect, Resource: stage }],
});

describe("a credential that is good", () => {
  it.each(["Authorization", "authorization", "AUTHORIZATION"])(
    "an API key in %s opens the whole stage, for its workspaces",
    async (name) => {
      await expect(authorizer().ask({ [name]: `Bearer ${keyOf("good")}` })).resolves.toEqual({
        principalId: "key:good",
        policyDocument: statement("Allow"),
        context: { default_workspace_id: "wsp_one", workspace_ids: "wsp_one wsp_two" },
      });
    },
  );

  it.each(["bearer", "BEARER", "Bearer  "])("the scheme may be written %p", async (scheme) => {
    const verdict = authorizer().ask({ Authorization: `${scheme} ${keyOf("good")}` });
    await expect(verdict).resolves.toMatchObject({ principalId: "key:good" });
  });

  it("a JWT opens it too; what is absent from the context is absent, not empty", async () => {
    const token = await issuer.sign(
      claims({ workspace_id: undefined, workspace_ids: ["wsp_two"] }),
    );
    await expect(authorizer().ask({ Authorization: `Bearer ${token}` })).resolves.toEqual({
      principalId: "jwt:user-1",
      policyDocument: statement("Allow"),
      context: { workspace_ids: "wsp_two" },
    });
  });

  it("names the key under which the gateway counts its caller's requests, where there is one", async () => {
    const usageKeyOf = (principalId: string) => `usage-key-of-${principalId}`;
    const request = { Authorization: `Bearer ${keyOf("good")}` };
    await expect(authorizer({ usageKeyOf }).ask(request)).resolves.toMatchObject({
      usageIdentifierKey: "usage-key-of-key:good",
    });
    await expect(authorizer().ask(request)).resolves.not.toHaveProperty("usageIdentifierKey");
  });

  it("is understood in an event of type TOKEN, too", async () => {
    const { methodArn } = authorizerEvent({});
    const event = (authorizationToken: string) =>
      ({ type: "TOKEN", methodArn, authorizationToken }) as const;
    const { handler } = authorizer();
    await expect(handler(event(`Bearer ${keyOf("good")}`), lambdaContext)).resolves.toMatchObject({
      principalId: "key:good",
      policyDocument: statement("Allow"),
    });
    await expect(handler(event(keyOf("good")), lambdaContext)).rejects.toThrow("Unauthorized");
  });

  it("without the scope is denied, which is 403", async () => {
    const { ask, lines } = authorizer();
    const byKey = await ask({ Authorization: `Bearer ${keyOf("reader")}` });
    const token = await issuer.sign(claims({ scope: "openid" }));
    const byToken = await ask({ Authorization: `Bearer ${token}` });
    expect(byKey.policyDocument).toEqual(statement("Deny"));
    expect(byToken.policyDocument).toEqual(statement("Deny"));
    expect(lines.map(({ code }) => code)).toEqual(["auth.out_of_scope", "auth.out_of_scope"]);
  });
});

describe("a credential that is not good is Unauthorized, with no hint why but in the log", () => {
  const token = (changes?: Record<string, unknown>) => issuer.sign(claims(changes));
  const cases: [string, string, () => string | Promise<string>][] = [
    ["no header", "not_bearer", () => ""],
    ["another scheme", "not_bearer", () => `Basic ${keyOf("good")}`],
    ["no scheme", "not_bearer", () => keyOf("good")],
    ["no credential", "not_bearer", () => "Bearer "],
    ["two credentials", "not_bearer", () => `Bearer ${keyOf("good")} ${keyOf("good")}`],
    ["odd characters", "not_bearer", () => "Bearer otr_\u0000"],
    ["an unknown key", "key_unknown", () => `Bearer ${keyOf("unknown")}`],
    ["a revoked key", "key_revoked", () => `Bearer ${keyOf("revoked")}`],
    ["an expired key", "key_expired", () => `Bearer ${keyOf("expired")}`],
    ["a key too short", "token_malformed", () => `Bearer ${keyOf("good").slice(0, -1)}`],
    ["rubbish", "token_malformed", () => "Bearer a.b.c"],
    ["alg none", "token_algorithm", () => `Bearer ${new UnsecuredJWT(claims()).encode()}`],
    ["another audience", "token_claims", async () => `Bearer ${await token({ aud: "other" })}`],
    ["another issuer", "token_claims", async () => `Bearer ${await token({ iss: "other" })}`],
    ["an expired JWT", "token_expired", async () => `Bearer ${await token({ exp: 1 })}`],
  ];

  it.each(cases)("%s (%s)", async (_, reason, credential) => {
    const { ask, lines } = authorizer();
    const Authorization = await credential();
    await expect(ask({ Authorization })).rejects.toEqual(new Error("Unauthorized"));
    expect(lines).toEqual([{ code: "auth.refused", members: { reason } }]);
  });

  it("several headers are none, even of one good key", async () => {
    const good = `Bearer ${keyOf("good")}`;
    const verdict = authorizer().ask({ Authorization: good }, { Authorization: [good, good] });
    await expect(verdict).rejects.toEqual(new Error("Unauthorized"));
  });

  it("no header at all", async () => {
    await expect(authorizer().ask({})).rejects.toEqual(new Error("Unauthorized"));
  });
});

describe("a credential that cannot be checked is no refusal: the gateway answers 503", () => {
  const hangs: Parameters<TestIssuer["respondWith"]>[0] = () => undefined;

  it("the key set hangs", async () => {
    issuer.respondWith(hangs);
    const { ask, lines } = authorizer({ keySetTimeoutMs: 50 });
    const Authorization = `Bearer ${await issuer.sign(claims())}`;
    await expect(ask({ Authorization })).rejects.toEqual(new Error("authorization unavailable"));
    expect(lines).toEqual([
      { code: "auth.unavailable", members: { error: expect.any(StoreUnavailable) } },
    ]);
  });

  it("the key store does not answer", async () => {
    const { ask, lines } = authorizer({ storeIsDown: true });
    const Authorization = `Bearer ${keyOf("good")}`;
    await expect(ask({ Authorization })).rejects.toEqual(new Error("authorization unavailable"));
    expect(lines.map(({ code }) => code)).toEqual(["auth.unavailable"]);
  });

  it("API keys do not depend on the key set", async () => {
    issuer.respondWith(hangs);
    const verdict = authorizer().ask({ Authorization: `Bearer ${keyOf("good")}` });
    await expect(verdict).resolves.toMatchObject({ principalId: "key:good" });
  });
});
