import { createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from "node:crypto";
import { calculateJwkThumbprint, decodeJwt, SignJWT } from "jose";
import { oauthTokenEndpoint } from "../../../functions/adapters/token-endpoint/oauth-token-endpoint.ts";
import { Secret } from "../../../functions/domain/model/secret.ts";
import { type Glewlwyd, glewlwydIsMissing, startGlewlwyd } from "../../support/glewlwyd.ts";
import { parsedRegistration } from "../../support/parsed-registration.ts";
import { tokenRequest } from "../../support/token-requests.ts";

type Members = Readonly<Record<string, unknown>>;

const grant = oauthTokenEndpoint({ clock: { nowMs: Date.now }, allowLoopback: true });
const refreshAt = (members: Members, refreshToken: string, dpopKey?: KeyObject) =>
  grant.refresh(
    tokenRequest(parsedRegistration(members), {
      refreshToken: new Secret(refreshToken),
      dpopKey: dpopKey && new Secret(JSON.stringify(dpopKey.export({ format: "jwk" }))),
    }),
  );

const newKeys = () => ({
  RS256: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  EdDSA: generateKeyPairSync("ed25519").privateKey,
});
type Algorithm = keyof ReturnType<typeof newKeys>;
const algorithms: readonly Algorithm[] = ["RS256", "ES256", "EdDSA"];
const clientKeys = newKeys();
const otherKeys = newKeys();

/** Glewlwyd 2.7 says nothing of why: nobody's word for it that the token is dead. */
const refusal = {
  kind: "unusable",
  reason: expect.stringMatching(/^expected tokens, got an empty body, status 40[03]$/),
};

function whereItIsInstalled() {
  let server: Glewlwyd;
  beforeAll(async () => {
    const keys = algorithms.map((alg) => ({
      ...createPublicKey(clientKeys[alg]).export({ format: "jwk" }),
      ...{ alg, kid: alg },
    }));
    server = await startGlewlwyd(keys);
  });
  afterAll(() => server.close());

  /** Glewlwyd takes credentials in Basic as they come. */
  const members = (): Members => ({
    issuer: server.issuer,
    basic_credentials: "raw",
    ...server.client,
  });
  /** Glewlwyd wants assertions made out to its token endpoint, not to itself. */
  const assertion = (): Members => ({ token_endpoint_auth_audience: `${server.issuer}/token` });

  test("its token endpoint is found by its issuer, and tokens come, rotated", async () => {
    const first = await refreshAt(members(), await server.newRefreshToken());
    if (first.kind !== "granted") throw new Error(JSON.stringify(first));
    expect(first.tokens).toMatchObject({ scope: "read", tokenType: "bearer" });
    const rotated = first.tokens.refreshToken?.reveal() ?? "";
    expect(await refreshAt(members(), rotated)).toMatchObject({ kind: "granted" });
  });

  test("a used token, of which it says nothing, kills no connection", async () => {
    const used = await server.newRefreshToken();
    expect(await refreshAt(members(), used)).toMatchObject({ kind: "granted" });
    expect(await refreshAt(members(), used)).toMatchObject(refusal);
  });

  test.each(["client_secret_basic", "client_secret_post", "client_secret_jwt"])(
    "%s is accepted, and a wrong secret kills no connection",
    async (token_endpoint_auth_method) => {
      const right = { ...members(), ...assertion(), token_endpoint_auth_method };
      expect(await refreshAt(right, await server.newRefreshToken())).toMatchObject({
        kind: "granted",
      });
      const wrong = { ...right, client_secret: "another secret of thirty-two bytes" };
      expect(await refreshAt(wrong, await server.newRefreshToken())).toMatchObject(refusal);
    },
  );

  test.each(algorithms)(
    "private_key_jwt by %s is accepted, and a wrong key kills no connection",
    async (alg) => {
      const { client_id } = server.client;
      const by = (key: KeyObject): Members => ({
        ...{ issuer: server.issuer, client_id, ...assertion() },
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: alg,
        private_key: { ...key.export({ format: "jwk" }), kid: alg },
      });
      const granted = await refreshAt(by(clientKeys[alg]), await server.newRefreshToken());
      expect(granted).toMatchObject({ kind: "granted" });
      const refused = await refreshAt(by(otherKeys[alg]), await server.newRefreshToken());
      expect(refused).toMatchObject(refusal);
    },
  );

  test.each<[string, Members]>([
    ["an assertion made out to the issuer", { token_endpoint_auth_method: "client_secret_jwt" }],
    ["a secret that is form-encoded in Basic", { basic_credentials: "form" }],
  ])("%s is what it does not understand", async (_, stated) => {
    const token = await server.newRefreshToken();
    expect(await refreshAt({ ...members(), ...stated }, token)).toMatchObject(refusal);
  });

  test("a token that is bound to a key is good with its DPoP proofs alone, and stays bound", async () => {
    const bound = await server.newBoundRefreshToken(prove);
    for (const dpopKey of [undefined, otherKeys.ES256]) {
      expect(await refreshAt(members(), bound, dpopKey)).toMatchObject({
        kind: "unusable",
        providerErrorDescription: "Invalid DPoP",
      });
    }
    const granted = await refreshAt(members(), bound, clientKeys.ES256);
    if (granted.kind !== "granted") throw new Error(JSON.stringify(granted));
    const { accessToken, tokenType } = granted.tokens;
    expect(tokenType).toBe("DPoP");
    const jkt = await calculateJwkThumbprint(clientKeys.ES256.export({ format: "jwk" }));
    expect(decodeJwt(accessToken.reveal())).toMatchObject({ cnf: { jkt } });
  });
}

/** With the key of the connection, RFC 9449 §4.2. */
const prove = (url: string): Promise<string> =>
  new SignJWT({ jti: randomUUID(), htm: "POST", htu: url })
    .setProtectedHeader({
      alg: "ES256",
      typ: "dpop+jwt",
      jwk: createPublicKey(clientKeys.ES256).export({ format: "jwk" }),
    })
    .setIssuedAt()
    .sign(clientKeys.ES256);

function whereItIsNot() {
  test(`nothing can be tried: ${glewlwydIsMissing}`, () => {
    console.info(`Tests against glewlwyd are left out: ${glewlwydIsMissing}.`);
    expect(glewlwydIsMissing).toBeDefined();
  });
}

describe("glewlwyd", glewlwydIsMissing === undefined ? whereItIsInstalled : whereItIsNot);
