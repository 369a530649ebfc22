import type { Clock } from "../../domain/ports/clock.ts";
import type { TokenResult } from "../../domain/ports/token-endpoint.ts";
import { lruMap } from "../cache/lru-map.ts";
import { sharedReads } from "../cache/shared-reads.ts";
import { type Deadline, deadlineIn } from "../http/deadline.ts";
import type { HttpExchange, HttpRequest, HttpResponse } from "../http/exchange.ts";
import { retryAfterMs } from "../http/retry-after.ts";
import { defaultMaximumBodyBytes, type HttpTransport } from "../http/transport.ts";
import { isLoopbackHost } from "../token-endpoint/endpoint-url.ts";
import {
  metadataUrls,
  parseServerMetadata,
  type ServerMetadata,
  UnusableMetadata,
} from "./server-metadata.ts";

export interface ServerDiscoveryOptions {
  readonly clock: Pick<Clock, "nowMs">;
  /** Holds every request to the rules that token endpoints are held to. */
  readonly exchange: HttpTransport;
  /** Permits issuers on loopback addresses, over http as well. */
  readonly allowLoopback: boolean;
  /**
   * Of all requests for one issuer's metadata. Short: what is left of the grant's time has to do for the
   * grant. @default 2500
   */
  readonly timeoutMs?: number | undefined;
  /** How old cached metadata may be. @default 3600000, an hour */
  readonly maxAgeMs?: number;
  /** Issuers kept, the one used longest ago making room. @default 200 */
  readonly maximumEntries?: number;
}

/** How far beyond its maximum age metadata is used while its issuer does not answer. */
const staleMs = 24 * 60 * 60_000;

/** Nothing was sent to a token endpoint. */
export type Undiscovered = Extract<TokenResult, { kind: "misconfigured" | "unavailable" }>;
export type Discovery =
  | { readonly kind: "found"; readonly metadata: ServerMetadata }
  | Undiscovered;

/** Finds out where an issuer's token endpoint is. Never rejects. */
export type ServerDiscovery = (issuer: string) => Promise<Discovery>;

/** RFC 8414 and OpenID Connect Discovery 1.0, cached; one look for an issuer at a time, shared by all who ask. */
export function serverDiscovery({
  clock,
  exchange,
  allowLoopback,
  timeoutMs = 2_500,
  maxAgeMs = 60 * 60_000,
  maximumEntries = 200,
}: ServerDiscoveryOptions): ServerDiscovery {
  const known = lruMap<string, { readonly metadata: ServerMetadata; readonly foundAtMs: number }>(
    maximumEntries,
  );
  const look = sharedReads(clock, async (issuer: string): Promise<Discovery> => {
    const foundAtMs = clock.nowMs();
    const discovery = await discover(issuer, exchange, timeoutMs);
    if (discovery.kind === "found") known.set(issuer, { ...discovery, foundAtMs });
    return discovery;
  });
  const isWithin = (instantMs: number, ageMs: number): boolean => clock.nowMs() - instantMs < ageMs;

  return async (issuer) => {
    const { protocol, hostname } = new URL(issuer);
    if (protocol !== "https:" && !(allowLoopback && isLoopbackHost(hostname))) {
      return { kind: "misconfigured", reason: "the issuer has to be https" };
    }
    const cached = known.get(issuer);
    if (cached && isWithin(cached.foundAtMs, maxAgeMs)) return { kind: "found", ...cached };
    const discovery = await look(issuer, () => true);
    const standsIn = cached && isWithin(cached.foundAtMs, maxAgeMs + staleMs);
    return standsIn && discovery.kind === "unavailable" ? { kind: "found", ...cached } : discovery;
  };
}

/** Asks at one place after the other: the first that has the issuer's metadata counts. */
async function discover(
  issuer: string,
  exchange: HttpTransport,
  timeoutMs: number,
): Promise<Discovery> {
  const deadline = deadlineIn(timeoutMs);
  const faults: string[] = [];
  let unavailable: Undiscovered | undefined;
  try {
    for (const url of metadataUrls(issuer)) {
      const found = metadataIn(await exchange(requestTo(url, deadline)), issuer);
      if (found.kind === "found") return found;
      if (found.kind === "unavailable") unavailable = found;
      else faults.push(`${url.pathname} ${found.reason}`);
    }
  } finally {
    deadline.clear();
  }
  const reason = `the issuer's metadata is not to be had: ${faults.join("; ")}`;
  return unavailable ?? { kind: "misconfigured", reason };
}

const requestTo = (url: URL, deadline: Deadline): HttpRequest => ({
  url,
  method: "GET",
  headers: { accept: "application/json", "user-agent": "oauth-token-refresh" },
  body: "",
  deadline,
  maySend: () => true,
});

/** What an answer for metadata means. Whatever it is, nothing was asked of a token endpoint. */
function metadataIn(exchange: HttpExchange, issuer: string): Discovery {
  switch (exchange.kind) {
    case "response":
      return metadataInAnswer(exchange.response, issuer);
    case "too_large":
      return misconfigured(`is larger than ${defaultMaximumBodyBytes} bytes`);
    case "forbidden":
      return misconfigured("is on a host that has no address that may be connected to");
    case "unreachable":
    case "broken_off":
      return unavailable(exchange.reason);
    case "certificate_refused":
      return unavailable(`TLS alert ${exchange.alert}`);
    case "timed_out":
    case "not_sent":
      return unavailable("no answer in time");
  }
}

function metadataInAnswer({ status, headers, body, receivedAtMs }: HttpResponse, issuer: string) {
  if (status === 429 || status >= 500) {
    return unavailable(`status ${status}`, retryAfterMs(headers, receivedAtMs));
  }
  if (status >= 300 && status < 400) return misconfigured("is a redirect, which is not followed");
  if (status !== 200) return misconfigured(`has status ${status}`);
  try {
    return { kind: "found", metadata: parseServerMetadata(body, issuer) } as const;
  } catch (error) {
    if (!(error instanceof UnusableMetadata)) throw error;
    return misconfigured(error.message);
  }
}

const misconfigured = (reason: string): Undiscovered => ({ kind: "misconfigured", reason });

const unavailable = (reason: string, waitMs?: number): Undiscovered => ({
  kind: "unavailable",
  reason: `the issuer's metadata could not be read: ${reason}`,
  retryAfterMs: waitMs,
});
