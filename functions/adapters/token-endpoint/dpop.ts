import {
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomUUID,
} from "node:crypto";
import { SignJWT } from "jose/jwt/sign";
import { Secret } from "../../domain/model/secret.ts";
import type { DpopAlgorithm, SigningAlgorithm } from "../../domain/ports/client-registration.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { TokenRequest, TokenResult } from "../../domain/ports/token-endpoint.ts";
import type { LruMap } from "../cache/lru-map.ts";
import {
  algorithmsOf,
  privateKeyFromJwk,
  UnusableKey,
} from "../client-registration/private-key.ts";
import type { HttpExchange, HttpRequest } from "../http/exchange.ts";
import { parseJsonObject, textOf } from "./response/token-response-body.ts";

/** The last nonce of each server, by its origin: RFC 9449 §8.2. */
export type DpopNonces = LruMap<string, string>;

export interface DpopOptions {
  readonly nonces: DpopNonces;
  readonly clock: Pick<Clock, "nowMs">;
}

/** Sends one token request, with a proof of its own. */
export type RequestTokens = (request: TokenRequest, addProof: AddProof) => Promise<TokenExchange>;
export type AddProof = (request: HttpRequest) => Promise<HttpRequest>;

export interface TokenExchange {
  readonly result: TokenResult;
  /** Undefined: no request could be built. */
  readonly exchanged?: { readonly url: URL; readonly exchange: HttpExchange };
}

/**
 * Requests tokens that are bound to the connection's key, RFC 9449 §5. A server that demands a nonce has
 * granted nothing: the request is sent once more, with the nonce.
 *
 * A connection without a key gets a new one. Refresh tokens of clients that authenticate are bound to no key,
 * and any key will do; those of public clients are bound to the key that they were issued with.
 */
export async function requestBoundTokens(
  request: TokenRequest,
  requestTokens: RequestTokens,
  options: DpopOptions,
): Promise<TokenResult> {
  try {
    const key = request.dpopKey ?? newKey(request.registration.dpopAlgorithm);
    const addProof = proofWith(openKey(key), options);
    const first = await requestTokens(request, addProof);
    const isNonceDemanded = keepNonce(first, options);
    const last = isNonceDemanded ? await requestTokens(request, addProof) : first;
    if (isNonceDemanded) keepNonce(last, options);
    const { result } = last;
    return result.kind === "granted"
      ? { ...result, tokens: { ...result.tokens, dpopKey: key } }
      : result;
  } catch (error) {
    if (!(error instanceof UnusableKey)) throw error;
    return { kind: "misconfigured", reason: `the connection's dpop_jwk ${error.message}` };
  }
}

/** RFC 9449 §4.2. */
function proofWith({ privateKey, algorithm }: OpenedKey, { nonces, clock }: DpopOptions): AddProof {
  const jwk = createPublicKey(privateKey).export({ format: "jwk" });
  return async (request) => {
    const { url, method, headers } = request;
    const proof = await new SignJWT({
      jti: randomUUID(),
      htm: method,
      htu: `${url.origin}${url.pathname}`,
      nonce: nonces.get(url.origin),
    })
      .setProtectedHeader({ alg: algorithm, typ: "dpop+jwt", jwk })
      .setIssuedAt(Math.floor(clock.nowMs() / 1000))
      .sign(privateKey);
    return { ...request, headers: { ...headers, dpop: proof } };
  };
}

/** Keeps a nonce for the next proofs. True: the server refused the proof because it lacked this nonce. */
function keepNonce({ exchanged }: TokenExchange, { nonces }: DpopOptions): boolean {
  if (exchanged?.exchange.kind !== "response") return false;
  const { headers, body } = exchanged.exchange.response;
  const nonce = nonceIn(headers["dpop-nonce"]);
  if (nonce === undefined) return false;
  nonces.set(exchanged.url.origin, nonce);
  return parseJsonObject(textOf(body))?.members.error === "use_dpop_nonce";
}

/** RFC 9449 §8.1: `1*NQCHAR`. A longer value would go with each request to come, and is not kept. */
const nonceIn = (header: string | string[] | undefined): string | undefined =>
  typeof header === "string" && /^[\x21\x23-\x5b\x5d-\x7e]{1,1024}$/.test(header)
    ? header
    : undefined;

function newKey(algorithm: DpopAlgorithm = "ES256"): Secret<string> {
  const { privateKey } =
    algorithm === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("ed25519");
  return new Secret(JSON.stringify({ ...privateKey.export({ format: "jwk" }), alg: algorithm }));
}

interface OpenedKey {
  readonly privateKey: KeyObject;
  readonly algorithm: SigningAlgorithm;
}

const openKey = (key: Secret<string>): OpenedKey =>
  parseDpopKey(parseJsonObject(key.reveal())?.members ?? {});

/**
 * Parses a private JWK that signs proofs: with its `alg`, or else with the default of its kind.
 * @throws {UnusableKey}
 */
export function parseDpopKey(jwk: JsonWebKey): OpenedKey {
  const privateKey = privateKeyFromJwk(jwk);
  const possible = algorithmsOf(privateKey);
  const algorithm = jwk.alg === undefined ? possible[0] : possible.find((alg) => alg === jwk.alg);
  if (algorithm !== undefined) return { privateKey, algorithm };
  throw new UnusableKey("has an alg that a key of its kind cannot sign with");
}
