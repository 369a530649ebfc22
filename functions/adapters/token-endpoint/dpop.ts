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

/** The last nonce that a server gave, by its origin: RFC 9449 §8.2. */
export type DpopNonces = LruMap<string, string>;

export interface DpopOptions {
  readonly nonces: DpopNonces;
  readonly clock: Pick<Clock, "nowMs">;
}

/** One exchange for a grant, `prove` being asked for what goes with this one sending of the request. */
export type AskOnce = (request: TokenRequest, prove: Prove) => Promise<Asked>;
export type Prove = (request: HttpRequest) => Promise<HttpRequest>;

export interface Asked {
  readonly answer: TokenResult;
  /** Undefined: nothing could be sent. */
  readonly exchanged?: { readonly url: URL; readonly exchange: HttpExchange };
}

/**
 * A grant whose tokens are bound to the connection's key, RFC 9449 §5. A server that wants a nonce has
 * granted nothing: it is asked once more, with the nonce, if there is still time for a whole grant.
 *
 * A connection without a key gets one. That is good where its refresh token is not bound to another:
 * always for clients that authenticate, whose refresh tokens are bound to no key, and never for public
 * clients that got theirs with DPoP.
 */
export async function dpopGrant(
  request: TokenRequest,
  askOnce: AskOnce,
  options: DpopOptions,
): Promise<TokenResult> {
  try {
    const key = request.dpopKey ?? newKey(request.registration.dpopAlgorithm);
    const prove = prover(openKey(key), options);
    const first = await askOnce(request, prove);
    const last = learnNonce(first, options) ? await askOnce(request, prove) : first;
    if (last !== first) learnNonce(last, options);
    const { answer } = last;
    return answer.kind === "granted"
      ? { ...answer, tokens: { ...answer.tokens, dpopKey: key } }
      : answer;
  } catch (error) {
    if (!(error instanceof UnusableKey)) throw error;
    return { kind: "misconfigured", reason: `the connection's dpop_jwk ${error.message}` };
  }
}

/** RFC 9449 §4.2. */
function prover({ privateKey, algorithm }: OpenedKey, { nonces, clock }: DpopOptions): Prove {
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

/** @returns whether the server turned the proof away for want of the nonce that it gave */
function learnNonce({ exchanged }: Asked, { nonces }: DpopOptions): boolean {
  if (exchanged?.exchange.kind !== "response") return false;
  const { headers, body } = exchanged.exchange.response;
  const nonce = nonceIn(headers["dpop-nonce"]);
  if (nonce === undefined) return false;
  nonces.set(exchanged.url.origin, nonce);
  return parseJsonObject(textOf(body))?.members.error === "use_dpop_nonce";
}

/** RFC 9449 §8.1: `1*NQCHAR`; what is longer than any nonce is not kept for every request to come. */
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
 * A private JWK that proofs can be signed with, as its `alg` says or else as its kind does by default.
 * @throws {UnusableKey}
 */
export function parseDpopKey(jwk: JsonWebKey): OpenedKey {
  const privateKey = privateKeyFromJwk(jwk);
  const possible = algorithmsOf(privateKey);
  const algorithm = jwk.alg === undefined ? possible[0] : possible.find((alg) => alg === jwk.alg);
  if (algorithm !== undefined) return { privateKey, algorithm };
  throw new UnusableKey("has an alg that a key of its kind cannot sign with");
}
