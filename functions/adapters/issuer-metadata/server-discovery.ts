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
  /** The transport of token requests: the same rules hold for the issuer. */
  readonly exchange: HttpTransport;
  /** Permits issuers at loopback addresses, also over http. */
  readonly allowLoopback: boolean;
  /** For all requests for one issuer's metadata. The rest of a token request's time has to do for the request. @default 2500 */
  readonly timeoutMs?: number | undefined;
  /** The age up to which cached metadata is used. @default 3600000, an hour */
  readonly maxAgeMs?: number;
  /** The number of issuers in the cache; the least recently used one makes room. @default 200 */
  readonly maximumEntries?: number;
}

/** Metadata is used for this long beyond its maximum age while its issuer does not respond. */
const staleMs = 24 * 60 * 60_000;

/** The token endpoint is unknown, and nothing was sent to it. */
export type Undiscovered = Extract<TokenResult, { kind: "misconfigured" | "unavailable" }>;
export type Discovery =
  | { readonly kind: "found"; readonly metadata: ServerMetadata }
  | Undiscovered;

/** Finds an issuer's metadata. Never rejects. */
export type ServerDiscovery = (issuer: string) => Promise<Discovery>;

/**
 * Discovery by RFC 8414 and OpenID Connect Discovery 1.0, cached. Concurrent calls for one issuer share its
 * requests.
 */
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

/** Requests one URL after the other, until one has the issuer's metadata. */
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
      const found = metadataFrom(await exchange(requestTo(url, deadline)), issuer);
      if (found.kind === "found") return found;
      if (found.kind === "unavailable") unavailable = found;
      else faults.push(`${url.pathname} ${found.reason}`);
    }
  } finally {
    deadline.clear();
  }
  const reason = `the issuer has no usable metadata: ${faults.join("; ")}`;
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

/** The result of one request. Nothing was sent to a token endpoint, however it ended. */
function metadataFrom(exchange: HttpExchange, issuer: string): Discovery {
  switch (exchange.kind) {
    case "response":
      return metadataInResponse(exchange.response, issuer);
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
      return unavailable("no response in time");
  }
}

function metadataInResponse({ status, headers, body, receivedAtMs }: HttpResponse, issuer: string) {
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
