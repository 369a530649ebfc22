import type { KeyObject } from "node:crypto";
import { Secret } from "../../domain/model/secret.ts";
import { type SigningKey, signingAlgorithms } from "../../domain/ports/client-registration.ts";
import { type Check, faultsOf, invalid, type Place } from "../../validation/check.ts";
import { isObject, type JsonObject, validMembers } from "../../validation/structures.ts";
import { matching, oneOf } from "../../validation/values.ts";
import {
  algorithmsOf,
  pkcs8Pem,
  privateKeyFromJwk,
  privateKeyFromPem,
  UnusableKey,
} from "./private-key.ts";

/** The members beside the key that say how it is to be used. */
const wantedMembers = validMembers({
  // OpenID Connect Dynamic Client Registration 1.0 §2.
  token_endpoint_auth_signing_alg: oneOf(signingAlgorithms),
  // The name that Google's key files have for the `kid` of their `private_key`.
  private_key_id: matching(/./s, "a string that is not empty"),
});

type Wanted = ReturnType<typeof wantedMembers>;

/** A private key as it was found, before it is known what it can sign. */
interface Candidate {
  readonly key: KeyObject;
  readonly keyId: string | undefined;
  /** `alg` of a JWK. */
  readonly algorithm: unknown;
}

/**
 * Reads the key of a client that authenticates with `private_key_jwt`: `private_key`, PEM or a JWK, with
 * `private_key_id`; or `jwks`, a JWK Set of private keys, the first of which that fits `private_key_id` and
 * `token_endpoint_auth_signing_alg` signs.
 *
 * @returns undefined: a fault was reported
 */
export function parseSigningKey(secret: JsonObject, place: Place): SigningKey | undefined {
  const wanted = wantedMembers(secret, place);
  const { jwks, private_key: privateKey } = secret;
  if (jwks !== undefined && privateKey !== undefined) {
    place.at("private_key").reject("extra_forbidden", "is not used beside jwks");
    return undefined;
  }
  if (jwks !== undefined) return keyInSet(jwks, wanted, place.at("jwks"));
  if (privateKey === undefined) {
    place.at("private_key").reject("missing", "required by private_key_jwt, or jwks");
    return undefined;
  }
  const key = signingKey(wanted)(privateKey, place.at("private_key"));
  return key === invalid ? undefined : key;
}

/** A private key that can sign as the registration states: PEM, or a JWK. */
const signingKey =
  (wanted: Wanted): Check<SigningKey> =>
  (value, place) => {
    try {
      return signingKeyOf(candidateFrom(value), wanted);
    } catch (error) {
      if (!(error instanceof UnusableKey)) throw error;
      return place.reject("value_error", error.message);
    }
  };

/** RFC 7517 §5: keys for another use, or of an unknown kind, are ignored. */
function keyInSet(jwks: unknown, wanted: Wanted, place: Place): SigningKey | undefined {
  const { private_key_id: keyId } = wanted;
  const keys = isObject(jwks) && Array.isArray(jwks.keys) ? jwks.keys.filter(isObject) : [];
  const named = keys.filter(({ kid }) => keyId === undefined || kid === keyId);
  const forSigning = named.filter(({ use }) => use === undefined || use === "sig");
  const reject = (text: string) => place.reject("value_error", text);
  if (keys.length === 0) reject("expected {keys: […]}, with at least one key");
  else if (named.length === 0) reject("has no key whose kid is the private_key_id");
  else if (forSigning.length === 0) reject("has no key for signing");
  const check = signingKey(wanted);
  const usable = forSigning.find((jwk) => faultsOf(check, jwk).length === 0);
  if (usable === undefined) {
    for (const jwk of forSigning) check(jwk, place.at("keys").at(keys.indexOf(jwk)));
    return undefined;
  }
  const key = check(usable, place);
  return key === invalid ? undefined : key;
}

/** @throws {UnusableKey} */
function candidateFrom(value: unknown): Candidate {
  if (typeof value === "string") {
    return { key: privateKeyFromPem(value), keyId: undefined, algorithm: undefined };
  }
  if (!isObject(value)) throw new UnusableKey("expected PEM, or a JWK as an object");
  const kid = typeof value.kid === "string" ? value.kid : undefined;
  return { key: privateKeyFromJwk(value), keyId: kid, algorithm: value.alg };
}

/** @throws {UnusableKey} the key cannot sign as the registration states */
function signingKeyOf({ key, keyId, algorithm: stated }: Candidate, wanted: Wanted): SigningKey {
  const possible = algorithmsOf(key);
  const byKey = possible.find((name) => name === stated);
  if (stated !== undefined && byKey === undefined) {
    throw new UnusableKey("has an alg that a key of its kind cannot sign with");
  }
  const algorithm = wanted.token_endpoint_auth_signing_alg ?? byKey ?? possible[0];
  if (algorithm === undefined || !possible.includes(algorithm)) {
    throw new UnusableKey(`cannot sign ${algorithm}, only ${possible.join(" and ")}`);
  }
  const privateKey = new Secret(pkcs8Pem(key));
  return { algorithm, keyId: keyId ?? wanted.private_key_id, privateKey };
}
