import { createPrivateKey, type JsonWebKey, type KeyObject } from "node:crypto";
import type { SigningAlgorithm } from "../../domain/ports/client-registration.ts";

/** A private key that cannot be used. The message says why, and holds nothing of the key. */
export class UnusableKey extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "UnusableKey";
  }
}

/** @throws {UnusableKey} */
export function privateKeyFromPem(pem: string): KeyObject {
  const wrong = wrongPem.find(({ form }) => form.test(pem));
  if (wrong !== undefined) throw new UnusableKey(wrong.reason);
  try {
    return createPrivateKey(pem);
  } catch {
    throw new UnusableKey("is not a private key in PEM");
  }
}

const isPublic = "is a public key: the private one is needed";

/** Texts that are mistaken for a private key in PEM. */
const wrongPem = [
  { form: /-----BEGIN (?:RSA )?PUBLIC KEY-----/, reason: isPublic },
  {
    form: /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m,
    reason: "is encrypted: decrypt it first (openssl pkey)",
  },
  {
    form: /^(?![\s\S]*-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*-----BEGIN CERTIFICATE-----/,
    reason: "is a certificate: its private key is needed",
  },
];

/** @throws {UnusableKey} */
export function privateKeyFromJwk(jwk: Readonly<Record<string, unknown>>): KeyObject {
  const { kty, d } = jwk;
  if (kty !== "RSA" && kty !== "EC" && kty !== "OKP") {
    throw new UnusableKey("has a kty that is not RSA, EC or OKP");
  }
  if (d === undefined) throw new UnusableKey(isPublic);
  try {
    return createPrivateKey({ key: jwk as JsonWebKey, format: "jwk" });
  } catch {
    throw new UnusableKey("is not a private key as a JWK (RFC 7517)");
  }
}

/** The shortest RSA key that may sign, RFC 7518 §3.3. */
const minimumRsaBits = 2048;

/**
 * The algorithms that a key can sign with, its default first.
 * @throws {UnusableKey} there are none
 */
export function algorithmsOf({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details,
}: KeyObject): readonly SigningAlgorithm[] {
  if (type === "rsa") {
    if ((details?.modulusLength ?? 0) >= minimumRsaBits) return ["RS256", "PS256"];
    throw new UnusableKey(`has fewer than ${minimumRsaBits} bits (RFC 7518 §3.3)`);
  }
  if (type === "ec" && details?.namedCurve === "prime256v1") return ["ES256"];
  if (type === "ed25519") return ["EdDSA", "Ed25519"];
  throw new UnusableKey("is neither an RSA, a P-256 nor an Ed25519 key");
}

export const pkcs8Pem = (key: KeyObject): string =>
  key.export({ type: "pkcs8", format: "pem" }).toString();
