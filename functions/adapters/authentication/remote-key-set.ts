import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import { JWKSNoMatchingKey } from "jose/errors";
import { createLocalJWKSet } from "jose/jwks/local";
import type { Clock } from "../../domain/ports/clock.ts";
import { boundedBody } from "../http/bounded-body.ts";

export interface RemoteKeySetOptions {
  readonly uri: URL;
  readonly clock: Pick<Clock, "nowMs">;
  /** From the look-up of the host to the last byte of the key set. @default 3000 */
  readonly timeoutMs?: number;
}

const maximumKeySetBytes = 256 * 1024;
const maximumChunks = 16 * 1024;

/** A key set this old is read again. */
const freshForMs = 10 * 60_000;
/** While the issuer does not respond, keys this old still verify: an outage there must not be one here. */
const usableForMs = 24 * 3_600_000;
/** Whatever tokens come, forged ones too, a usable key set is read again no more often. */
const readIntervalMs = 30_000;

/**
 * The keys of an issuer (RFC 7517), kept, and read again for a key that is not among them.
 *
 * @throws {Error} the key set cannot be read, and none is kept that is usable
 * @throws {JWKSNoMatchingKey} the issuer has no such key
 */
export function remoteKeySet({ uri, clock, timeoutMs = 3_000 }: RemoteKeySetOptions) {
  let kept: { readonly getKey: JWTVerifyGetKey; readonly readAtMs: number } | undefined;
  let reading: Promise<void> | undefined;
  let failure: unknown;
  let triedAtMs = Number.NEGATIVE_INFINITY;

  const readOnce = async (): Promise<void> => {
    try {
      const keySet = await fetchKeySet(uri, timeoutMs);
      kept = { getKey: createLocalJWKSet(keySet), readAtMs: clock.nowMs() };
    } catch (error) {
      failure = error;
    }
  };
  const read = async (): Promise<void> => {
    if (reading === undefined) {
      const isTooSoon = clock.nowMs() - triedAtMs < readIntervalMs;
      if (isTooSoon && isYoungerThan(usableForMs)) return;
      triedAtMs = clock.nowMs();
      reading = readOnce().finally(() => {
        reading = undefined;
      });
    }
    await reading;
  };
  const isYoungerThan = (ageMs: number): boolean =>
    kept !== undefined && clock.nowMs() - kept.readAtMs < ageMs;

  const getKey: JWTVerifyGetKey = async (header, token) => {
    if (!isYoungerThan(freshForMs)) await read();
    if (kept === undefined || !isYoungerThan(usableForMs)) {
      throw new Error("the key set cannot be read", { cause: failure });
    }
    try {
      return await kept.getKey(header, token);
    } catch (error) {
      if (!(error instanceof JWKSNoMatchingKey)) throw error;
      await read();
      return kept.getKey(header, token);
    }
  };
  return getKey;
}

/** A response is read whole, within the deadline, or not at all; redirects are not followed. */
async function fetchKeySet(uri: URL, timeoutMs: number): Promise<JSONWebKeySet> {
  const response = await fetch(uri, {
    signal: AbortSignal.timeout(timeoutMs),
    redirect: "error",
    headers: {
      accept: "application/json, application/jwk-set+json",
      "accept-encoding": "identity",
    },
  });
  if (response.status !== 200) throw new Error(`status ${response.status}, not 200`);
  // What fetch would decode has no bound on its work.
  if (response.headers.has("content-encoding")) throw new Error("the key set is encoded");
  const body = boundedBody(maximumKeySetBytes, maximumChunks);
  for await (const chunk of response.body ?? []) {
    // Leaving the loop cancels the body.
    if (!body.add(chunk)) throw new Error(`more than ${maximumKeySetBytes} bytes`);
  }
  const keySet: unknown = JSON.parse(body.bytes().toString());
  if (!isKeySet(keySet)) throw new Error("not a JSON Web Key Set");
  return keySet;
}

const isKeySet = (value: unknown): value is JSONWebKeySet =>
  typeof value === "object" && value !== null && "keys" in value && Array.isArray(value.keys);
