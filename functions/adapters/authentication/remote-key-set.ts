import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import { JWKSNoMatchingKey } from "jose/errors";
import { createLocalJWKSet } from "jose/jwks/local";
import type { Clock } from "../../domain/ports/clock.ts";
import { isObject, type JsonObject } from "../../validation/structures.ts";
import { systemLookup } from "../http/connection.ts";
import { deadlineIn } from "../http/deadline.ts";
import type { HttpExchange } from "../http/exchange.ts";
import { httpTransport } from "../http/transport.ts";

export interface RemoteKeySetOptions {
  readonly uri: URL;
  readonly clock: Pick<Clock, "nowMs">;
  /** From the look-up of the host to the last byte of the key set. @default 3000 */
  readonly timeoutMs?: number;
}

const maximumKeySetBytes = 256 * 1024;

/** An older key set is read again. */
const freshForMs = 10 * 60_000;
/** Keys of this age still verify while the issuer does not respond: its outage must not become ours. */
const usableForMs = 24 * 3_600_000;
/** The least time between two reads while there is a usable key set: forged tokens cause no more reads. */
const readIntervalMs = 30_000;

/**
 * The keys of an issuer (RFC 7517), cached. A key that is not among them causes another read.
 *
 * @throws {Error} the key set cannot be read, and none in the cache is usable
 * @throws {JWKSNoMatchingKey} the issuer has no such key
 */
export function remoteKeySet({ uri, clock, timeoutMs = 3_000 }: RemoteKeySetOptions) {
  const readKeySet = keySetReader(clock, timeoutMs);
  let kept: { readonly getKey: JWTVerifyGetKey; readonly readAtMs: number } | undefined;
  let reading: Promise<void> | undefined;
  let failure: unknown;
  let triedAtMs = Number.NEGATIVE_INFINITY;

  const readOnce = async (): Promise<void> => {
    try {
      const keySet = await readKeySet(uri);
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

const keySetReader = (clock: Pick<Clock, "nowMs">, timeoutMs: number) => {
  const send = httpTransport({
    clock,
    lookup: systemLookup,
    // The operator alone chooses the URL, which may be on a private network.
    addresses: "any",
    maximumBodyBytes: maximumKeySetBytes,
  });
  const headers = { accept: "application/json, application/jwk-set+json" };
  return async (url: URL): Promise<JSONWebKeySet> => {
    const deadline = deadlineIn(timeoutMs);
    const request = { url, method: "GET", headers, body: "", deadline } as const;
    try {
      return keySetIn(await send({ ...request, maySend: () => true }));
    } finally {
      deadline.clear();
    }
  };
};

function keySetIn(exchange: HttpExchange): JSONWebKeySet {
  if (exchange.kind !== "response") {
    throw new Error(`no key set: ${"reason" in exchange ? exchange.reason : exchange.kind}`);
  }
  const { status, body } = exchange.response;
  if (status !== 200) throw new Error(`status ${status}, not 200`);
  const keySet: unknown = JSON.parse(Buffer.from(body).toString());
  if (!isKeySet(keySet)) throw new Error("not a JSON Web Key Set");
  return keySet;
}

const isKeySet = (value: unknown): value is JSONWebKeySet & JsonObject =>
  isObject(value) && Array.isArray(value.keys);
