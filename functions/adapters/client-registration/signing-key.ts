import type { KeyObject } from "node:crypto";
import { Secret } from "../../domain/model/secret.ts";
import {
  type SigningAlgorithm,
  type SigningKey,
  signingAlgorithms,
} from "../../domain/ports/client-registration.ts";
import { isJsonObject } from "../json/json-checks.ts";
import {
  algorithmsOf,
  pkcs8Pem,
  privateKeyFromJwk,
  privateKeyFromPem,
  UnusableKey,
} from "./private-key.ts";

type Members = Readonly<Record<string, unknown>>;

/** What is asked of the key by the members beside it. */
interface Wanted {
  /** `token_endpoint_auth_signing_alg`, OpenID Connect Dynamic Client Registration 1.0 §2. */
  readonly algorithm: SigningAlgorithm | undefined;
  /** `private_key_id`; the name that Google's key files give to the `kid` of their `private_key`. */
  readonly keyId: string | undefined;
}

/** A private key as it was found, before it is known what it is good for. */
interface Candidate {
  readonly key: KeyObject;
  readonly keyId: string | undefined;
  /** `alg` of a JWK. */
  readonly algorithm: unknown;
}

/**
 * The key of a client that authenticates with `private_key_jwt`: `private_key`, PEM or a JWK, with
 * `private_key_id`; or `jwks`, a JWK Set whose keys are private, of which the first that fits
 * `private_key_id` and `token_endpoint_auth_signing_alg` signs.
 *
 * @param faults gets every member at fault, and no value
 * @returns undefined where there is a fault
 */
export function parseSigningKey(members: Members, faults: string[]): SigningKey | undefined {
  const before = faults.length;
  const wanted: Wanted = {
    algorithm: signingAlgorithm(members.token_endpoint_auth_signing_alg, faults),
    keyId: keyId("private_key_id", members.private_key_id, faults),
  };
  const { jwks, private_key: privateKey } = members;
  if (jwks === undefined && privateKey === undefined) {
    faults.push("private_key: required by private_key_jwt, or jwks");
  }
  if (jwks !== undefined && privateKey !== undefined) {
    faults.push("private_key: has to be absent where there is jwks");
  }
  if (faults.length > before) return undefined;
  return privateKey === undefined
    ? fromSet(jwks, wanted, faults)
    : orFault("private_key", faults, () => signingKey(candidateFrom(privateKey), wanted));
}

function signingAlgorithm(value: unknown, faults: string[]): SigningAlgorithm | undefined {
  const algorithm = signingAlgorithms.find((name) => name === value);
  if (value !== undefined && algorithm === undefined) {
    faults.push(
      `token_endpoint_auth_signing_alg: has to be one of ${signingAlgorithms.join(", ")}`,
    );
  }
  return algorithm;
}

function keyId(member: string, value: unknown, faults: string[]): string | undefined {
  if (value === undefined || (typeof value === "string" && value !== "")) return value;
  faults.push(`${member}: has to be a string that is not empty`);
  return undefined;
}

/** @throws {UnusableKey} */
function candidateFrom(value: unknown): Candidate {
  if (typeof value === "string") {
    return { key: privateKeyFromPem(value), keyId: undefined, algorithm: undefined };
  }
  if (!isJsonObject(value)) throw new UnusableKey("has to be PEM, or a JWK as an object");
  const kid = typeof value.kid === "string" ? value.kid : undefined;
  return { key: privateKeyFromJwk(value), keyId: kid, algorithm: value.alg };
}

/** @throws {UnusableKey} it cannot sign as is wanted */
function signingKey({ key, keyId: kid, algorithm: stated }: Candidate, wanted: Wanted): SigningKey {
  const possible = algorithmsOf(key);
  const byKey = possible.find((name) => name === stated);
  if (stated !== undefined && byKey === undefined) {
    throw new UnusableKey("has an alg that a key of its kind cannot sign with");
  }
  const algorithm = wanted.algorithm ?? byKey ?? possible[0];
  if (algorithm === undefined || !possible.includes(algorithm)) {
    throw new UnusableKey(`cannot sign ${algorithm}, but ${possible.join(" and ")}`);
  }
  return { algorithm, keyId: kid ?? wanted.keyId, privateKey: new Secret(pkcs8Pem(key)) };
}

/** RFC 7517 §5: keys that are not for this use, or not understood, are passed over. */
function fromSet(jwks: unknown, wanted: Wanted, faults: string[]): SigningKey | undefined {
  const keys = isJsonObject(jwks) && Array.isArray(jwks.keys) ? jwks.keys.filter(isJsonObject) : [];
  const named = keys.filter(({ kid }) => wanted.keyId === undefined || kid === wanted.keyId);
  const forSigning = named.filter(({ use }) => use === undefined || use === "sig");
  if (keys.length === 0) faults.push("jwks: has to be {keys: […]}, with at least one key");
  else if (named.length === 0) faults.push("jwks: has no key whose kid is the private_key_id");
  else if (forSigning.length === 0) faults.push("jwks: has no key for signing");
  const reasons: string[] = [];
  for (const jwk of forSigning) {
    const found = orFault("jwks", reasons, () => signingKey(candidateFrom(jwk), wanted));
    if (found !== undefined) return found;
  }
  faults.push(...reasons.map((reason) => reason.replace("jwks: ", "jwks: a key ")));
  return undefined;
}

function orFault<Found>(member: string, faults: string[], find: () => Found): Found | undefined {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof UnusableKey)) throw error;
    faults.push(`${member}: ${error.message}`);
    return undefined;
  }
}
