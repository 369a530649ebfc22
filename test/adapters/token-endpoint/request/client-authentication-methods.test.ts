import { createHash, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import { closeServer, listenOnLoopback } from "../../../../bin/local/loopback.ts";
import { oauthTokenEndpoint } from "../../../../functions/adapters/token-endpoint/oauth-token-endpoint.ts";
import { Secret } from "../../../../functions/domain/model/secret.ts";
import {
  acmeCertificate,
  clientAuthority,
  expiredCertificate,
  otherCertificate,
  selfSignedCertificate,
} from "../../../support/client-certificates.ts";
import { localhostCertificate } from "../../../support/localhost-certificate.ts";
import { parsedRegistration } from "../../../support/parsed-registration.ts";
import { tokenRequest } from "../../../support/token-requests.ts";
import { startVerifyingServer, trustLocalhost } from "../../../support/verifying-server.ts";

type Members = Readonly<Record<string, unknown>>;

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed25519 = generateKeyPairSync("ed25519");
const anotherRsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const anotherP256 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const anotherEd25519 = generateKeyPairSync("ed25519").privateKey;
const clientSecret = "a secret of at least thirty-two bytes";

const pem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();
const jwk = (key: KeyObject, members: Members = {}): Members => ({
  ...key.export({ format: "jwk" }),
  ...members,
});
const tls = ({ certificate, privateKey }: typeof acmeCertificate): Members => ({
  tls_client_certificate: certificate,
  tls_client_private_key: privateKey,
});

/** The server's registration of a client, the secret that fits it, and one that does not. */
interface Case {
  readonly registered: Members;
  readonly secret: Members;
  readonly wrong: Members;
}

const method = (token_endpoint_auth_method: string, members: Members = {}): Members => ({
  token_endpoint_auth_method,
  ...members,
});
const signed = (alg: string, key: KeyObject, secret: Members, wrong: Members): Case => ({
  registered: method("private_key_jwt", {
    token_endpoint_auth_signing_alg: alg,
    jwks: { keys: [jwk(key, { kid: "key-1" })] },
  }),
  secret: method("private_key_jwt", { token_endpoint_auth_signing_alg: alg, ...secret }),
  wrong,
});

const cases: Readonly<Record<string, Case>> = {
  client_secret_basic: {
    registered: method("client_secret_basic", { client_secret: clientSecret }),
    secret: method("client_secret_basic", { client_secret: clientSecret }),
    wrong: { client_secret: "wrong" },
  },
  client_secret_post: {
    registered: method("client_secret_post", { client_secret: clientSecret }),
    secret: method("client_secret_post", { client_secret: clientSecret }),
    wrong: { client_secret: "wrong" },
  },
  client_secret_jwt: {
    registered: method("client_secret_jwt", { client_secret: clientSecret }),
    secret: method("client_secret_jwt", { client_secret: clientSecret }),
    wrong: { client_secret: "another secret of thirty-two bytes" },
  },
  "private_key_jwt, RS256 in PEM": signed(
    "RS256",
    rsa.publicKey,
    { private_key: pem(rsa.privateKey), private_key_id: "key-1" },
    { private_key: pem(anotherRsa) },
  ),
  "private_key_jwt, PS256 in PEM without a kid": signed(
    "PS256",
    rsa.publicKey,
    { private_key: pem(rsa.privateKey) },
    { private_key: pem(anotherRsa) },
  ),
  "private_key_jwt, ES256 as a JWK": signed(
    "ES256",
    p256.publicKey,
    { private_key: jwk(p256.privateKey, { kid: "key-1" }) },
    { private_key: jwk(anotherP256, { kid: "key-1" }) },
  ),
  "private_key_jwt, EdDSA in a JWK Set": signed(
    "EdDSA",
    ed25519.publicKey,
    {
      jwks: {
        keys: [
          jwk(rsa.privateKey, { use: "enc" }),
          jwk(p256.privateKey),
          jwk(ed25519.privateKey, { kid: "key-1" }),
        ],
      },
    },
    { jwks: { keys: [jwk(anotherEd25519, { kid: "key-1" })] } },
  ),
  "private_key_jwt, Ed25519 by its newer name": signed(
    "Ed25519",
    ed25519.publicKey,
    { private_key: pem(ed25519.privateKey) },
    { private_key: pem(anotherEd25519) },
  ),
  tls_client_auth: {
    registered: method("tls_client_auth", { tls_client_auth_subject_dn: "CN=acme" }),
    secret: method("tls_client_auth", tls(acmeCertificate)),
    wrong: tls(otherCertificate),
  },
  self_signed_tls_client_auth: {
    registered: method("self_signed_tls_client_auth", {
      jwks: { keys: [certificateJwk(selfSignedCertificate.certificate)] },
    }),
    secret: method("self_signed_tls_client_auth", tls(selfSignedCertificate)),
    wrong: tls(acmeCertificate),
  },
};

/** RFC 8705 §2.2.2: the certificate as `x5c`. */
function certificateJwk(certificate: string): Members {
  const { publicKey, raw } = new X509Certificate(certificate);
  return jwk(publicKey, {
    x5c: [raw.toString("base64")],
    "x5t#S256": createHash("sha256").update(raw).digest("base64url"),
  });
}

let server: Awaited<ReturnType<typeof startVerifyingServer>>;
let endTrust: () => void;
beforeAll(async () => {
  endTrust = trustLocalhost();
  server = await startVerifyingServer({
    clients: [
      ...Object.values(cases).map(({ registered }, index) => ({
        client_id: `client-${index}`,
        ...registered,
      })),
      {
        client_id: "bound",
        client_secret: clientSecret,
        tls_client_certificate_bound_access_tokens: true,
      },
      { client_id: "public", token_endpoint_auth_method: "none" },
    ],
  });
});
afterAll(async () => {
  endTrust();
  await server.close();
});

const grant = oauthTokenEndpoint({ clock: { nowMs: Date.now }, allowLoopback: true });
async function refresh(clientId: string, members: Members, nowMs?: number) {
  const at =
    nowMs === undefined
      ? grant
      : oauthTokenEndpoint({ clock: { nowMs: () => nowMs }, allowLoopback: true });
  const registered = { client_id: clientId, token_endpoint: server.tokenEndpoint, ...members };
  const refreshToken = new Secret(await server.mintRefreshToken(clientId));
  return at.refresh(tokenRequest(parsedRegistration(registered), { refreshToken }));
}

describe("at a server that verifies,", () => {
  test.each(Object.keys(cases))("%s is accepted, and the wrong credential is not", async (name) => {
    const { secret = {}, wrong = {} } = cases[name] ?? {};
    const clientId = `client-${Object.keys(cases).indexOf(name)}`;
    expect(await refresh(clientId, secret)).toMatchObject({ kind: "granted", notes: [] });
    expect(await refresh(clientId, { ...secret, ...wrong })).toMatchObject({
      kind: "client_rejected",
      providerError: "invalid_client",
    });
  });

  test("none is accepted, and not from a client that the server does not know", async () => {
    expect(await refresh("public", method("none"))).toMatchObject({ kind: "granted" });
    expect(
      await refresh("public", { ...method("none"), client_id: "somebody else" }),
    ).toMatchObject({ kind: "client_rejected", providerError: "invalid_client" });
  });

  test("a certificate is shown beside a secret, for tokens that are bound to it", async () => {
    const secret = { client_secret: clientSecret };
    expect(await refresh("bound", { ...secret, ...tls(acmeCertificate) })).toMatchObject({
      kind: "granted",
    });
    expect(await refresh("bound", secret)).toMatchObject({ kind: "refused" });
  });

  test("an assertion for another audience is not accepted, and the audience can be stated", async () => {
    const { secret = {} } = cases.client_secret_jwt ?? {};
    const clientId = `client-${Object.keys(cases).indexOf("client_secret_jwt")}`;
    const at = (token_endpoint_auth_audience: string) =>
      refresh(clientId, { ...secret, token_endpoint_auth_audience });
    expect(await at(server.issuer)).toMatchObject({ kind: "granted" });
    expect(await at("https://another.example")).toMatchObject({ kind: "client_rejected" });
  });
});

describe("a certificate", () => {
  const byCertificate = (members: Members) => refresh("bound", method("tls_client_auth", members));

  test("that has ended, or has not begun, is not sent anywhere", async () => {
    const before = server.requests("/token");
    expect(await byCertificate(tls(expiredCertificate))).toEqual({
      kind: "misconfigured",
      reason: "tls_client_certificate expired at 2021-01-01T00:00:00Z: store a new one",
    });
    const early = Date.UTC(2019, 11, 31);
    expect(await refresh("bound", method("tls_client_auth", tls(acmeCertificate)), early)).toEqual({
      kind: "misconfigured",
      reason: "tls_client_certificate is not valid before 2020-01-01T00:00:00Z",
    });
    expect(server.requests("/token")).toBe(before);
  });

  test("cannot be shown over http", async () => {
    const tokenEndpoint = { token_endpoint: "http://127.0.0.1:1/token" };
    expect(await byCertificate({ ...tls(acmeCertificate), ...tokenEndpoint })).toEqual({
      kind: "misconfigured",
      reason: "tls_client_certificate needs a token endpoint with https",
    });
  });

  // Before TLS 1.3 the alert is one that may mean anything.
  test.each([
    ["TLSv1.2", { kind: "unavailable" }],
    ["TLSv1.3", { kind: "client_rejected", providerError: "TLS alert certificate_required" }],
  ] as const)(
    "that is missing at a server that insists on one, %s: the token is not to blame",
    async (version, expected) => {
      const strict = createServer(
        {
          ...localhostCertificate,
          ca: clientAuthority,
          requestCert: true,
          minVersion: version,
          maxVersion: version,
        },
        (_, response) => response.end(),
      );
      const url = await listenOnLoopback(strict);
      const token_endpoint = `${url.replace("http:", "https:")}/token`;
      const result = await refresh("public", { ...method("none"), token_endpoint });
      await closeServer(strict);
      expect(result).toMatchObject(expected);
    },
  );
});
