import { createPrivateKey, type webcrypto } from "node:crypto";
import {
  type ClientAuth,
  ClientSecretJwt,
  type ModifyAssertionFunction,
  modifyAssertion,
  PrivateKeyJwt,
} from "oauth4webapi";
import type { SigningAlgorithm, SigningKey } from "../../../domain/ports/client-registration.ts";

export interface AssertionTerms {
  /**
   * `aud`: the issuer where it is known, else the token endpoint (RFC 7523 §3). An assertion for a token
   * endpoint can be replayed by another server that names the same endpoint.
   * https://datatracker.ietf.org/doc/draft-ietf-oauth-rfc7523bis
   */
  readonly audience: string;
  readonly nowMs: number;
}

/** Long enough for a slow clock. An assertion is used once, at once. */
const lifetimeSeconds = 60;

/** RFC 7523 §2.2, signed with HS256 under the client's secret: OpenID Connect Core 1.0 §9. */
export const clientSecretJwt = (clientSecret: string, terms: AssertionTerms): ClientAuth =>
  ClientSecretJwt(clientSecret, { [modifyAssertion]: modifiedBy(terms, "HS256") });

/** RFC 7523 §2.2, signed with a key of the client's own: OpenID Connect Core 1.0 §9. */
export function privateKeyJwt(
  { algorithm, keyId, privateKey }: SigningKey,
  terms: AssertionTerms,
): ClientAuth {
  const key = createPrivateKey(privateKey.reveal()).toCryptoKey(keyUses[algorithm], false, [
    "sign",
  ]);
  return PrivateKeyJwt(keyId === undefined ? key : { key, kid: keyId }, {
    [modifyAssertion]: modifiedBy(terms, algorithm),
  });
}

const keyUses: Readonly<
  Record<
    SigningAlgorithm,
    webcrypto.RsaHashedImportParams | webcrypto.EcKeyImportParams | "Ed25519"
  >
> = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  EdDSA: "Ed25519",
  Ed25519: "Ed25519",
};

/** Sets audience, times and algorithm; `jti`, `iss` and `sub` are oauth4webapi's. */
const modifiedBy =
  ({ audience, nowMs }: AssertionTerms, alg: SigningAlgorithm | "HS256"): ModifyAssertionFunction =>
  (header, payload) => {
    const iat = Math.floor(nowMs / 1000);
    header.alg = alg;
    Object.assign(payload, { aud: audience, iat, nbf: iat, exp: iat + lifetimeSeconds });
  };
