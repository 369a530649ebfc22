import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listenOnLoopback } from "../../bin/local/loopback.ts";
import { serveParent, usedCpuMs } from "./child.ts";
import {
  type Provider,
  type ProviderBehaviour,
  type ProviderCounts,
  strict,
} from "./provider-behaviour.ts";

/**
 * A minimal authorization server that rotates. A refresh token works once; its second use is a reuse and
 * revokes the family (RFC 9700 §4.14.2). With `grace`, the previous token is accepted too.
 */

interface Family {
  live: string;
  previous: string | undefined;
  isRevoked: boolean;
  rotatedAtMs: number;
}

const clientId = "load-test";
const clientSecret = randomUUID();
const credentials = `Basic ${btoa(`${clientId}:${clientSecret}`)}`;
const expiresInSeconds = 3_600;

const families: Family[] = [];
const counts = { granted: 0, graced: 0, reused: 0, refused: 0, hung: 0, unauthenticated: 0 };
let behaviour: ProviderBehaviour = strict;

const newToken = (family: number): string => `${family}.${randomUUID()}`;
const familyOf = (token: string): number => Number(token.split(".", 1)[0]);
const happens = (oneIn: number): boolean => oneIn > 0 && Math.random() * oneIn < 1;

/** @returns the token's family. Undefined: the token is refused */
function use(token: string): Family | undefined {
  const family = families[familyOf(token)];
  if (family === undefined || family.isRevoked) return undefined;
  if (token === family.live) return family;
  if (behaviour.grace && token === family.previous) {
    counts.graced += 1;
    return family;
  }
  counts.reused += 1;
  family.isRevoked = true;
  return undefined;
}

function rotate(family: Family, used: string): void {
  family.previous = used;
  family.live = newToken(familyOf(used));
  family.rotatedAtMs = Date.now();
}

interface ProviderResponse {
  readonly status: number;
  readonly body: object;
}

/** Undefined: the provider never responds. */
function responseTo(request: IncomingMessage, body: string): ProviderResponse | undefined {
  if (request.headers.authorization !== credentials) {
    counts.unauthenticated += 1;
    return { status: 401, body: { error: "invalid_client" } };
  }
  const parameters = new URLSearchParams(body);
  if (parameters.get("grant_type") !== "refresh_token") {
    return { status: 400, body: { error: "unsupported_grant_type" } };
  }
  if (happens(behaviour.refusesOneIn)) {
    counts.refused += 1;
    return { status: 503, body: { error: "temporarily_unavailable" } };
  }
  const hangs = happens(behaviour.hangsOneIn);
  if (hangs) counts.hung += 1;
  if (hangs && !behaviour.rotatesBeforeHanging) return undefined;
  const granted = grant(parameters.get("refresh_token") ?? "");
  return hangs ? undefined : granted;
}

function grant(used: string): ProviderResponse {
  const family = use(used);
  if (family === undefined) return { status: 400, body: { error: "invalid_grant" } };
  rotate(family, used);
  counts.granted += 1;
  const tokens = {
    access_token: randomUUID(),
    token_type: "Bearer",
    expires_in: expiresInSeconds,
    refresh_token: family.live,
  };
  return { status: 200, body: tokens };
}

function send(outgoing: ServerResponse, response: ProviderResponse | undefined): void {
  if (response === undefined) return;
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  outgoing.writeHead(response.status, headers).end(JSON.stringify(response.body));
}

const server = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (chunk: string) => {
    body += chunk;
  });
  request.on("end", () => {
    const { responseDelayMs } = behaviour;
    if (responseDelayMs === 0) send(response, responseTo(request, body));
    else setTimeout(() => send(response, responseTo(request, body)), responseDelayMs);
  });
});
const endpoint = await listenOnLoopback(server);

serveParent({ tokenEndpoint: `${endpoint}/token`, clientId, clientSecret } satisfies Provider, {
  /** Creates families. @returns the refresh token of each */
  mint: (count: number): readonly string[] =>
    Array.from({ length: count }, () => {
      const live = newToken(families.length);
      families.push({
        live,
        previous: undefined,
        isRevoked: false,
        rotatedAtMs: 0,
      });
      return live;
    }),
  behave: (next: ProviderBehaviour) => {
    behaviour = next;
  },
  counts: (): ProviderCounts => counts,
  /** When the token's family was last rotated, epoch milliseconds. 0: never. */
  rotatedAtMs: (token: string): number => families[familyOf(token)]?.rotatedAtMs ?? 0,
  usage: usedCpuMs,
});
