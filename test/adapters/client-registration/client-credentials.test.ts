import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { parseClientRegistration } from "../../../functions/adapters/client-registration/client-registration.ts";
import type { RegistrationName } from "../../../functions/domain/model/connection.ts";
import { MisconfiguredRegistration } from "../../../functions/domain/model/errors.ts";
import {
  acmeCertificate,
  clientAuthority,
  otherCertificate,
} from "../../support/client-certificates.ts";

type Members = Readonly<Record<string, unknown>>;

const parse = (members: Members) =>
  parseClientRegistration(
    "integrations/acme" as RegistrationName,
    "1",
    JSON.stringify({ client_id: "c", token_endpoint: "https://acme.example/token", ...members }),
  );

function faultOf(members: Members): string {
  try {
    parse(members);
  } catch (error) {
    expect(error).toBeInstanceOf(MisconfiguredRegistration);
    return (error as Error).message.replace("Client registration integrations/acme: ", "");
  }
  return "no fault";
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed25519 = generateKeyPairSync("ed25519");
const pem = (key: KeyObject, type: "pkcs8" | "pkcs1" | "sec1" = "pkcs8"): string =>
  key.export({ type, format: "pem" }).toString();
const jwk = (key: KeyObject, members: Members = {}): Members => ({
  ...key.export({ format: "jwk" }),
  ...members,
});
const byKey = (members: Members): Members => ({
  token_endpoint_auth_method: "private_key_jwt",
  ...members,
});
const byCertificate = (members: Members): Members => ({
  token_endpoint_auth_method: "tls_client_auth",
  tls_client_certificate: acmeCertificate.certificate,
  tls_client_private_key: acmeCertificate.privateKey,
  ...members,
});

describe("private_key_jwt signs", () => {
  test.each<[string, Members, string, string | undefined]>([
    ["RS256 with an RSA key", { private_key: pem(rsa.privateKey) }, "RS256", undefined],
    [
      "RS256 with one in PKCS #1",
      { private_key: pem(rsa.privateKey, "pkcs1") },
      "RS256",
      undefined,
    ],
    ["ES256 with a P-256 key", { private_key: pem(p256.privateKey, "sec1") }, "ES256", undefined],
    ["EdDSA with an Ed25519 key", { private_key: jwk(ed25519.privateKey) }, "EdDSA", undefined],
    ["as its JWK says", { private_key: jwk(rsa.privateKey, { alg: "PS256" }) }, "PS256", undefined],
    [
      "as token_endpoint_auth_signing_alg says",
      {
        private_key: jwk(rsa.privateKey, { alg: "RS256" }),
        token_endpoint_auth_signing_alg: "PS256",
      },
      "PS256",
      undefined,
    ],
    [
      "under the private_key_id",
      { private_key: pem(p256.privateKey), private_key_id: "key-1" },
      "ES256",
      "key-1",
    ],
    [
      "under the kid of its JWK",
      { private_key: jwk(p256.privateKey, { kid: "key-2" }), private_key_id: "key-1" },
      "ES256",
      "key-2",
    ],
    [
      "with the first key of a set that is for signing",
      {
        jwks: {
          keys: [
            jwk(rsa.privateKey, { use: "enc" }),
            { kty: "oct", k: "AAAA" },
            jwk(p256.privateKey, { kid: "key-1", use: "sig" }),
            jwk(rsa.privateKey, { kid: "key-2" }),
          ],
        },
      },
      "ES256",
      "key-1",
    ],
    [
      "with the key of a set that is named",
      {
        jwks: {
          keys: [jwk(p256.privateKey, { kid: "key-1" }), jwk(rsa.privateKey, { kid: "key-2" })],
        },
        private_key_id: "key-2",
      },
      "RS256",
      "key-2",
    ],
  ])("%s", (_, members, algorithm, keyId) => {
    const { signingKey } = parse(byKey(members));
    expect(signingKey).toMatchObject({ algorithm, keyId });
    expect(signingKey?.privateKey.reveal()).toContain("-----BEGIN PRIVATE KEY-----");
  });
});

describe("an unusable credential is refused when the registration is read, and its member named:", () => {
  const encrypted = rsa.privateKey
    .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "p" })
    .toString();
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  const { certificate, privateKey } = acmeCertificate;

  test.each<[string, Members, string]>([
    ["no key", byKey({}), "private_key: required by private_key_jwt, or jwks"],
    [
      "two of them",
      byKey({ private_key: pem(rsa.privateKey), jwks: { keys: [] } }),
      "private_key: is not used beside jwks",
    ],
    ["a number", byKey({ private_key: 1 }), "private_key: expected PEM, or a JWK as an object"],
    ["no PEM", byKey({ private_key: "hunter2" }), "private_key: is not a private key in PEM"],
    [
      "a damaged PEM",
      byKey({ private_key: pem(rsa.privateKey).replace("MII", "!!!") }),
      "private_key: is not a private key in PEM",
    ],
    [
      "a public key in PEM",
      byKey({ private_key: rsa.publicKey.export({ type: "spki", format: "pem" }) }),
      "private_key: is a public key: the private one is needed",
    ],
    [
      "a public key as a JWK",
      byKey({ private_key: jwk(rsa.publicKey) }),
      "private_key: is a public key: the private one is needed",
    ],
    [
      "an encrypted key",
      byKey({ private_key: encrypted }),
      "private_key: is encrypted: decrypt it first (openssl pkey)",
    ],
    [
      "a certificate",
      byKey({ private_key: certificate }),
      "private_key: is a certificate: its private key is needed",
    ],
    [
      "a symmetric key",
      byKey({ private_key: { kty: "oct", k: "hunter2" } }),
      "private_key: has a kty that is not RSA, EC or OKP",
    ],
    [
      "a damaged JWK",
      byKey({ private_key: { kty: "EC", crv: "P-256", x: "AA", y: "AA", d: "hunter2" } }),
      "private_key: is not a private key as a JWK (RFC 7517)",
    ],
    [
      "an unsupported curve",
      byKey({ private_key: pem(p384) }),
      "private_key: is neither an RSA, a P-256 nor an Ed25519 key",
    ],
    [
      "a short RSA key",
      byKey({ private_key: pem(short) }),
      "private_key: has fewer than 2048 bits (RFC 7518 §3.3)",
    ],
    [
      "an algorithm of another kind of key",
      byKey({ private_key: pem(p256.privateKey), token_endpoint_auth_signing_alg: "RS256" }),
      "private_key: cannot sign RS256, only ES256",
    ],
    [
      "a JWK whose alg does not fit its kind",
      byKey({ private_key: jwk(p256.privateKey, { alg: "EdDSA" }) }),
      "private_key: has an alg that a key of its kind cannot sign with",
    ],
    [
      "an unknown algorithm",
      byKey({ private_key: pem(rsa.privateKey), token_endpoint_auth_signing_alg: "none" }),
      "token_endpoint_auth_signing_alg: expected one of RS256, PS256, ES256, EdDSA, Ed25519",
    ],
    [
      "an empty kid",
      byKey({ private_key: pem(rsa.privateKey), private_key_id: "" }),
      "private_key_id: expected a string that is not empty",
    ],
    ["no set", byKey({ jwks: [] }), "jwks: expected {keys: […]}, with at least one key"],
    [
      "no key with the private_key_id in the set",
      byKey({ jwks: { keys: [jwk(rsa.privateKey, { kid: "key-1" })] }, private_key_id: "key-2" }),
      "jwks: has no key whose kid is the private_key_id",
    ],
    [
      "no key for signing in the set",
      byKey({ jwks: { keys: [jwk(rsa.privateKey, { use: "enc" })] } }),
      "jwks: has no key for signing",
    ],
    [
      "public keys in the set",
      byKey({ jwks: { keys: [jwk(rsa.publicKey), jwk(p384)] } }),
      "jwks.keys.0: is a public key: the private one is needed; jwks.keys.1: is neither an RSA, a P-256 nor an Ed25519 key",
    ],
    [
      "an audience with a space",
      byKey({ private_key: pem(rsa.privateKey), token_endpoint_auth_audience: "a b" }),
      "token_endpoint_auth_audience: expected a string without spaces",
    ],
    [
      "a key without a method",
      { private_key: pem(rsa.privateKey) },
      "token_endpoint_auth_method: required beside a private key",
    ],
    [
      "no secret for client_secret_jwt",
      { token_endpoint_auth_method: "client_secret_jwt" },
      "client_secret: required by client_secret_jwt",
    ],
    [
      "an algorithm other than HS256 for client_secret_jwt",
      {
        ...{ token_endpoint_auth_method: "client_secret_jwt", client_secret: "s" },
        token_endpoint_auth_signing_alg: "HS512",
      },
      "token_endpoint_auth_signing_alg: expected HS256 with client_secret_jwt",
    ],
    [
      "neither a certificate nor its key",
      { token_endpoint_auth_method: "self_signed_tls_client_auth" },
      "tls_client_certificate: required by self_signed_tls_client_auth",
    ],
    [
      "a certificate without a key",
      byCertificate({ tls_client_private_key: undefined }),
      "tls_client_private_key: required beside tls_client_certificate",
    ],
    [
      "a key without a certificate",
      { client_secret: "s", tls_client_private_key: privateKey },
      "tls_client_certificate: required beside tls_client_private_key",
    ],
    [
      "another certificate's key",
      byCertificate({ tls_client_private_key: otherCertificate.privateKey }),
      "tls_client_private_key: is not the key of the first certificate",
    ],
    [
      "a chain that begins with the authority",
      byCertificate({ tls_client_certificate: clientAuthority + certificate }),
      "tls_client_private_key: is not the key of the first certificate",
    ],
    [
      "a key as a JWK",
      byCertificate({ tls_client_private_key: jwk(p256.privateKey) }),
      "tls_client_private_key: expected PEM",
    ],
    [
      "a certificate for a key",
      byCertificate({ tls_client_private_key: certificate }),
      "tls_client_private_key: is a certificate: its private key is needed",
    ],
    [
      "a key for a certificate",
      byCertificate({ tls_client_certificate: privateKey }),
      "tls_client_certificate: expected one or more certificates in PEM",
    ],
    [
      "a damaged certificate",
      byCertificate({ tls_client_certificate: certificate.replace("MII", "MIIMII") }),
      "tls_client_certificate: expected one or more certificates in PEM",
    ],
  ])("%s", (_, members, fault) => {
    expect(faultOf(members)).toBe(`${fault}.`);
  });
});

test("a certificate chain keeps its order, and loses the text around it", () => {
  const chain = `Subject: acme\n${acmeCertificate.certificate}\nIssuer:\n${clientAuthority}`;
  const { tlsCredentials } = parse(byCertificate({ tls_client_certificate: chain }));
  expect(tlsCredentials?.certificateChain).toBe(acmeCertificate.certificate + clientAuthority);
});

test("a registration with keys prints none of them", () => {
  const registration = parse({
    ...byCertificate({}),
    token_endpoint_auth_method: "private_key_jwt",
    private_key: pem(ed25519.privateKey),
  });
  expect(JSON.stringify(registration)).not.toContain("PRIVATE KEY");
  expect(registration.signingKey?.privateKey.toString()).toBe("[redacted]");
});
