import type { Connection } from "../model/connection.ts";

/** The evidence that an assumed end rests on, the strongest first. */
export type AssumedFrom = "jwt_exp" | "previous_lifetime" | "default_lifetime";

export interface AssumedEnd {
  readonly atMs: number;
  readonly from: AssumedFrom;
}

/** A token whose lifetime nobody states is assumed to live this long, which most providers' tokens do. */
const defaultLifetimeMs = 3_600_000;

/** The access token of a response, or of stored credentials, as far as its end is concerned. */
export interface TokenEnds {
  /** As the response, the catalogue or the registration states it. */
  readonly expiresAtMs: number | undefined;
  /** `exp` of a JWT access token (RFC 7519 §4.1.4). Undefined: it is none, or states none. */
  readonly jwtExpiresAtMs?: number | undefined;
  /** The provider's tokens do not expire. @default false */
  readonly neverExpires?: boolean | undefined;
}

type Former = Pick<Connection, "expiresAtMs" | "assumedExpiresAtMs" | "lastRefreshedAtMs">;

/**
 * The end that is assumed of an access token whose end is not stated, for the schedule and for
 * `min_ttl_seconds`: a connection that has a refresh token never leaves the schedule because one response was
 * silent. Callers of the API are shown stated ends alone. Undefined: the end is stated, or there is none.
 */
export function assumedEnd(
  { expiresAtMs, jwtExpiresAtMs, neverExpires = false }: TokenEnds,
  former: Former | undefined,
  receivedAtMs: number,
): AssumedEnd | undefined {
  if (expiresAtMs !== undefined || neverExpires) return undefined;
  if (jwtExpiresAtMs !== undefined && jwtExpiresAtMs > receivedAtMs) {
    return { atMs: jwtExpiresAtMs, from: "jwt_exp" };
  }
  const formerLifetimeMs = former === undefined ? undefined : lifetimeOf(former);
  return formerLifetimeMs === undefined
    ? { atMs: receivedAtMs + defaultLifetimeMs, from: "default_lifetime" }
    : { atMs: receivedAtMs + formerLifetimeMs, from: "previous_lifetime" };
}

function lifetimeOf({ expiresAtMs, assumedExpiresAtMs, lastRefreshedAtMs }: Former) {
  const endMs = expiresAtMs ?? assumedExpiresAtMs;
  if (endMs === undefined || lastRefreshedAtMs === undefined) return undefined;
  return endMs > lastRefreshedAtMs ? endMs - lastRefreshedAtMs : undefined;
}

/** When the access token ends, stated or assumed. Undefined: never, or there is no token. */
export const effectiveEndMs = ({
  expiresAtMs,
  assumedExpiresAtMs,
}: Pick<Connection, "expiresAtMs" | "assumedExpiresAtMs">): number | undefined =>
  expiresAtMs ?? assumedExpiresAtMs;
