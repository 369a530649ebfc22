import { generateKeyPairSync } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, type JWK, jwtVerify } from "jose";
import { parseTokenSet, tokenSetJson } from "../../../functions/adapters/kms/token-set-json.ts";
import { oauthTokenEndpoint } from "../../../functions/adapters/token-endpoint/oauth-token-endpoint.ts";
import { Secret } from "../../../functions/domain/model/secret.ts";
import type { TokenRequest, TokenResult } from "../../../functions/domain/ports/token-endpoint.ts";
import { parsedRegistration } from "../../support/parsed-registration.ts";
import { type ReceivedRequest, startProvider } from "../../support/provider-stand-in.ts";
import { tokenRequest } from "../../support/token-requests.ts";
import {
  startVerifyingServer,
  trustLocalhost,
  type VerifyingServer,
} from "../../support/verifying-server.ts";

type Members = Readonly<Record<string, unknown>>;
const clientSecret = "a secret of at least thirty-two bytes";
const clientKey = generateKeyPairSync("ed25519");

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const requestOf = (
  token_endpoint: string,
  members: Members,
  changes: Partial<TokenRequest> = {},
): TokenRequest => tokenRequest(parsedRegistration({ token_endpoint, ...members }), changes);

function tokensOf(result: TokenResult) {
  if (result.kind !== "granted") throw new Error(JSON.stringify(result));
  return result.tokens;
}

const thumbprintOf = async (key: Secret | undefined): Promise<string> =>
  calculateJwkThumbprint(JSON.parse(key?.reveal() ?? "{}"));

const newKey = (): Secret =>
  new Secret(
    JSON.stringify(
      generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }),
    ),
  );

describe("at a server that verifies proofs and wants nonces", () => {
  let server: VerifyingServer;
  const grant = oauthTokenEndpoint({ clock: { nowMs: Date.now }, allowLoopback: true });
  beforeEach(async () => {
    const endTrust = trustLocalhost();
    server = await startVerifyingServer({
      requireDpopNonce: true,
      clients: [
        { client_id: "secret", client_secret: clientSecret, dpop_bound_access_tokens: true },
        {
          client_id: "signing",
          token_endpoint_auth_method: "private_key_jwt",
          token_endpoint_auth_signing_alg: "EdDSA",
          jwks: { keys: [{ ...clientKey.publicKey.export({ format: "jwk" }) }] },
          dpop_bound_access_tokens: true,
        },
        {
          client_id: "public",
          token_endpoint_auth_method: "none",
          dpop_bound_access_tokens: true,
        },
      ],
    });
    closing.push(server.close, endTrust);
  });

  const bySecret = {
    client_id: "secret",
    client_secret: clientSecret,
    dpop_bound_access_tokens: true,
  };
  const refresh = (members: Members, changes: Partial<TokenRequest>) =>
    grant.refresh(requestOf(server.tokenEndpoint, members, changes));

  test("a connection without a key gets one, and keeps it; the nonce is asked for once", async () => {
    const refreshToken = new Secret(await server.mintRefreshToken("secret"));
    const first = tokensOf(await refresh(bySecret, { refreshToken }));
    expect(first.tokenType).toBe("DPoP");
    const thumbprint = await thumbprintOf(first.dpopKey);
    expect(await server.boundTo(first.accessToken.reveal())).toBe(thumbprint);
    expect(server.requests("/token")).toBe(2);

    const { refreshToken: rotated, dpopKey } = first;
    const second = tokensOf(await refresh(bySecret, { refreshToken: rotated, dpopKey }));
    expect(await server.boundTo(second.accessToken.reveal())).toBe(thumbprint);
    expect(second.dpopKey?.reveal()).toBe(dpopKey?.reveal());
    expect(server.requests("/token")).toBe(3);
  });

  test("an assertion that was sent once is not sent again with the nonce", async () => {
    const refreshToken = new Secret(await server.mintRefreshToken("signing"));
    const members = {
      client_id: "signing",
      token_endpoint_auth_method: "private_key_jwt",
      private_key: { ...clientKey.privateKey.export({ format: "jwk" }) },
      dpop_bound_access_tokens: true,
    };
    expect(await refresh(members, { refreshToken })).toMatchObject({ kind: "granted" });
    expect(server.requests("/token")).toBe(2);
  });

  test.each(["ES256", "EdDSA", "Ed25519"])("a new key can be one for %s", async (alg) => {
    const refreshToken = new Secret(await server.mintRefreshToken("secret"));
    const result = await refresh({ ...bySecret, dpop_signing_alg: alg }, { refreshToken });
    expect(JSON.parse(tokensOf(result).dpopKey?.reveal() ?? "")).toMatchObject({ alg });
  });

  test("a public client's refresh token is good with its own key, and with no other", async () => {
    const key = newKey();
    const minted = await server.mintRefreshToken("public", await thumbprintOf(key));
    const members = {
      client_id: "public",
      token_endpoint_auth_method: "none",
      dpop_bound_access_tokens: true,
    };
    const refreshToken = new Secret(minted);
    for (const dpopKey of [newKey(), undefined]) {
      expect(await refresh(members, { refreshToken, dpopKey })).toMatchObject({
        kind: "refused",
        providerError: "invalid_grant",
      });
    }
    const tokens = tokensOf(await refresh(members, { refreshToken, dpopKey: key }));
    expect(await server.boundTo(tokens.accessToken.reveal())).toBe(await thumbprintOf(key));
  });

  test("a connection with a key uses it, whatever its registration says", async () => {
    const refreshToken = new Secret(await server.mintRefreshToken("secret"));
    const dpopKey = newKey();
    const members = { ...bySecret, dpop_bound_access_tokens: false };
    const tokens = tokensOf(await refresh(members, { refreshToken, dpopKey }));
    expect(await server.boundTo(tokens.accessToken.reveal())).toBe(await thumbprintOf(dpopKey));
  });
});

describe("what is sent", () => {
  const nowMs = Date.UTC(2026, 0, 1);
  const members = { client_id: "c", client_secret: "secret", dpop_bound_access_tokens: true };
  const tokens = '{"access_token":"at-2","token_type":"DPoP"}';
  const wantsNonce = '{"error":"use_dpop_nonce"}';

  /** Sends the responses one after the other, and the last one again and again. */
  async function provider(...responses: readonly (readonly [number, string, string?])[]) {
    const stand = await startProvider((response) => {
      const [status, body, nonce] = responses[
        Math.min(stand.requests.length, responses.length) - 1
      ] ?? [500, ""];
      response.writeHead(status, nonce === undefined ? {} : { "DPoP-Nonce": nonce }).end(body);
    });
    closing.push(stand.close);
    return stand;
  }
  const newGrant = () => oauthTokenEndpoint({ clock: { nowMs: () => nowMs }, allowLoopback: true });
  const proofIn = async ({ headers }: ReceivedRequest, jwk?: JWK) => {
    const proof = String(headers.dpop);
    const [header = ""] = proof.split(".");
    const embedded = JSON.parse(Buffer.from(header, "base64url").toString()).jwk;
    return jwtVerify(proof, jwk ?? embedded, { typ: "dpop+jwt", currentDate: new Date(nowMs) });
  };
  const noncesIn = async (requests: readonly ReceivedRequest[]) =>
    Promise.all(requests.map(async (request) => (await proofIn(request)).payload.nonce));

  test("a proof for this very request, RFC 9449 §4.2, with the public key alone", async () => {
    const { url, requests } = await provider([200, tokens]);
    const endpoint = `${url.href}?tenant=acme`;
    const { dpopKey } = tokensOf(await newGrant().refresh(requestOf(endpoint, members)));
    const key = JSON.parse(dpopKey?.reveal() ?? "{}");
    const { payload, protectedHeader } = await proofIn(requests[0] as ReceivedRequest);
    expect(payload).toEqual({
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      htm: "POST",
      htu: url.href,
      iat: nowMs / 1000,
    });
    const { kty, crv, x, y } = key;
    expect(protectedHeader).toEqual({ alg: "ES256", typ: "dpop+jwt", jwk: { kty, crv, x, y } });
  });

  test("the newest nonce of the server, and to another server none of it", async () => {
    const one = await provider([400, wantsNonce, "n-1"], [200, tokens, "n-2"], [200, tokens]);
    const other = await provider([200, tokens]);
    const grant = newGrant();
    for (const { url } of [one, one, one, other]) {
      expect(await grant.refresh(requestOf(url.href, members))).toMatchObject({ kind: "granted" });
    }
    expect(await noncesIn(one.requests)).toEqual([undefined, "n-1", "n-2", "n-2"]);
    expect(await noncesIn(other.requests)).toEqual([undefined]);
  });

  test("a nonce that the server refuses is replaced once, and then the response counts", async () => {
    const { url, requests } = await provider([400, wantsNonce, "n-1"], [401, wantsNonce, "n-2"]);
    const grant = newGrant();
    expect(await grant.refresh(requestOf(url.href, members))).toMatchObject({
      kind: "unusable",
      providerError: "use_dpop_nonce",
    });
    expect(requests).toHaveLength(2);
    await grant.refresh(requestOf(url.href, members));
    expect((await noncesIn(requests)).slice(0, 3)).toEqual([undefined, "n-1", "n-2"]);
  });

  test.each<[string, readonly [number, string, string?]]>([
    ["no nonce beside the error", [400, wantsNonce]],
    ["another error", [400, '{"error":"invalid_dpop_proof"}', "n-1"]],
    ["tokens", [200, tokens, "n-1"]],
    ["no error", [401, "", "n-1"]],
    ["a nonce that is longer than any", [400, wantsNonce, "n".repeat(1025)]],
    ["a nonce that is none", [400, wantsNonce, 'n"1']],
  ])("nothing a second time, where the response is %s", async (_, response) => {
    const { url, requests } = await provider(response);
    await newGrant().refresh(requestOf(url.href, members));
    expect(requests).toHaveLength(1);
  });

  test("nothing a second time, where there is no time left for a whole grant", async () => {
    const { url, requests } = await provider([400, wantsNonce, "n-1"], [200, tokens]);
    const maySend = () => requests.length === 0;
    const result = await newGrant().refresh(requestOf(url.href, members, { maySend }));
    expect(result).toEqual({ kind: "not_sent" });
    expect(requests).toHaveLength(1);
  });

  test("no proof, where neither the registration nor the connection asks for one", async () => {
    const { url, requests } = await provider([200, tokens, "n-1"]);
    const plain = { ...members, dpop_bound_access_tokens: false };
    const granted = tokensOf(await newGrant().refresh(requestOf(url.href, plain)));
    expect(requests[0]?.headers).not.toHaveProperty("dpop");
    expect(granted.dpopKey).toBeUndefined();
  });

  test("nothing, where the connection's key is not one", async () => {
    const { url, requests } = await provider([200, tokens]);
    const publicKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
    const reasonWith = async (jwk: object) => {
      const dpopKey = new Secret(JSON.stringify(jwk));
      const result = await newGrant().refresh(requestOf(url.href, members, { dpopKey }));
      return result.kind === "misconfigured" ? result.reason : result.kind;
    };
    expect(await reasonWith(await exportJWK(publicKey))).toBe(
      "the connection's dpop_jwk is a public key: the private one is needed",
    );
    expect(await reasonWith({ ...JSON.parse(newKey().reveal()), alg: "RS256" })).toBe(
      "the connection's dpop_jwk has an alg that a key of its kind cannot sign with",
    );
    expect(requests).toHaveLength(0);
  });
});

describe("the key in the stored token set", () => {
  const dpopKey = newKey();
  const stored = {
    accessToken: new Secret("at"),
    refreshToken: new Secret("rt"),
    tokenType: "DPoP",
    scope: undefined,
    expiresAtMs: undefined,
    extra: {},
    dpopKey,
  };

  test("is a member of its own, as a JWK that any JOSE library takes", () => {
    const json = tokenSetJson(stored);
    expect(JSON.parse(json).dpop_jwk).toEqual(JSON.parse(dpopKey.reveal()));
    const read = parseTokenSet(json);
    expect(read.dpopKey?.reveal()).toBe(dpopKey.reveal());
    expect(read.extra).toEqual({});
  });

  test("is not a member of the provider's response with that name", () => {
    const json = tokenSetJson({ ...stored, extra: { dpop_jwk: { kty: "EC" }, team: "t" } });
    expect(JSON.parse(json).dpop_jwk).toEqual(JSON.parse(dpopKey.reveal()));
    const unbound = { ...stored, dpopKey: undefined, extra: { dpop_jwk: { kty: "EC" } } };
    expect(JSON.parse(tokenSetJson(unbound))).not.toHaveProperty("dpop_jwk");
  });

  test("that is not an object: the token set cannot be read", () => {
    const json = '{"access_token":"at","dpop_jwk":"hunter2"}';
    expect(() => parseTokenSet(json)).toThrow(new TypeError("dpop_jwk: expected an object"));
  });
});

test("a registration that asks for what there is not is turned down when it is read", () => {
  const faultOf = (members: Members) => () =>
    requestOf("https://acme.example/token", { client_id: "c", ...members });
  expect(faultOf({ dpop_bound_access_tokens: "yes" })).toThrow(
    "dpop_bound_access_tokens: expected a boolean",
  );
  expect(faultOf({ dpop_signing_alg: "HS256" })).toThrow(
    "dpop_signing_alg: expected one of ES256, EdDSA, Ed25519",
  );
});
