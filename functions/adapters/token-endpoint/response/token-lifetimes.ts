import { decodeJwt } from "jose";
import type { TokenEnd } from "../../provider-catalogue/provider-entry.ts";
import { ownValue } from "../../provider-catalogue/stated-values.ts";
import type { Members } from "./token-response-body.ts";

export interface Expiry {
  /** Undefined: not stated, or not usable. */
  readonly expiresAtMs: number | undefined;
  readonly notes: readonly string[];
}

/** The catalogue's statements about a token's end. */
export interface EndRule {
  /** Undefined: the usual names, in any form. */
  readonly end?: TokenEnd | undefined;
  /** Counts where the response states no end. */
  readonly lifetimeSeconds?: number | undefined;
  /** The token itself. Undefined: the response has none. */
  readonly token?: string | undefined;
}

/** The end of the access token: from the lifetime of RFC 6749 §5.1, or else from an instant. */
export const accessTokenExpiry = (
  members: Members,
  receivedAtMs: number,
  rule: EndRule = {},
): Expiry =>
  ruledExpiry(members, receivedAtMs, rule, () =>
    expiry(members, receivedAtMs, lifetimeNames, instantNames),
  );

/**
 * The end of the refresh token, for which no standard has a name.
 * https://docs.github.com/apps (refreshing-user-access-tokens), https://developers.tiktok.com (OAuth:
 * refresh_expires_in), Intuit (x_refresh_token_expires_in).
 */
export const refreshTokenExpiry = (
  members: Members,
  receivedAtMs: number,
  rule: EndRule = {},
): Expiry =>
  ruledExpiry(members, receivedAtMs, rule, () =>
    expiry(members, receivedAtMs, refreshLifetimeNames, refreshInstantNames),
  );

const lifetimeNames = ["expires_in"];
const instantNames = ["expires_at"];
const refreshLifetimeNames = [
  "refresh_token_expires_in",
  "refresh_expires_in",
  "x_refresh_token_expires_in",
];
const refreshInstantNames = ["refresh_token_expires_at"];

/** Names that an {@link Expiry} replaces: lifetimes that count from the response soon mislead. */
export const expiryNames: readonly string[] = [
  ...lifetimeNames,
  ...instantNames,
  ...refreshLifetimeNames,
  ...refreshInstantNames,
];

/** A longer lifetime means "never", or is a mistake. Real lifetimes of ten years exist. */
const maximumLifetimeMs = 10 * 366 * 24 * 60 * 60 * 1000;

export const isLifetime = (lifetimeMs: number): boolean =>
  lifetimeMs > 0 && lifetimeMs <= maximumLifetimeMs;

/** The end in the provider's form, or else in a usual form, or else the documented lifetime. */
function ruledExpiry(
  members: Members,
  receivedAtMs: number,
  { end, lifetimeSeconds, token }: EndRule,
  usual: () => Expiry,
): Expiry {
  const documentedAtMs =
    lifetimeSeconds === undefined ? undefined : receivedAtMs + lifetimeSeconds * 1000;
  if (end?.as === "never") return { expiresAtMs: undefined, notes: [] };
  if (end?.as === "fixed") return { expiresAtMs: documentedAtMs, notes: [] };
  const statedAtMs = end === undefined ? Number.NaN : statedMs(end, members, receivedAtMs, token);
  if (isLifetime(statedAtMs - receivedAtMs)) return { expiresAtMs: statedAtMs, notes: [] };
  const { expiresAtMs = documentedAtMs, notes } = usual();
  return { expiresAtMs, notes };
}

/** NaN: not stated, or in another form. */
function statedMs(
  end: Exclude<TokenEnd, { readonly as: "never" | "fixed" }>,
  members: Members,
  receivedAtMs: number,
  token: string | undefined,
): number {
  const value = end.as === "jwt_exp" ? undefined : ownValue(members, end.member);
  switch (end.as) {
    case "seconds":
      return afterMs(value, receivedAtMs);
    case "milliseconds":
      return receivedAtMs + Math.floor(numberOf(value));
    case "epoch_seconds":
      return Math.floor(numberOf(value) * 1000);
    case "epoch_milliseconds":
      return Math.floor(numberOf(value));
    case "iso_8601":
      return isoInstantMs(value);
    case "jwt_exp":
      return jwtExpiryMs(token);
  }
}

/** `exp` of a JWT, not verified: it is as reliable as the response that the token came in. NaN: none. */
export function jwtExpiryMs(token = ""): number {
  try {
    return numberOf(decodeJwt(token).exp) * 1000;
  } catch {
    return Number.NaN;
  }
}

function expiry(
  members: Members,
  receivedAtMs: number,
  lifetimes: readonly string[],
  instants: readonly string[],
): Expiry {
  const notes: string[] = [];
  const candidates = [
    ...lifetimes.map((name) => ({ name, atMs: afterMs(members[name], receivedAtMs) })),
    ...instants.map((name) => ({ name, atMs: instantMs(members[name]) })),
  ];
  for (const { name, atMs } of candidates) {
    if (isLifetime(atMs - receivedAtMs)) return { expiresAtMs: atMs, notes };
    const value = members[name];
    // Some servers send 0 where there is no end.
    if (value !== undefined && numberOf(value) !== 0) notes.push(`${name} is not usable`);
  }
  return { expiresAtMs: undefined, notes };
}

const afterMs = (seconds: unknown, receivedAtMs: number): number =>
  receivedAtMs + Math.floor(numberOf(seconds) * 1000);

/** Epoch seconds, epoch milliseconds or ISO 8601, which is in UTC unless it states a zone. NaN: none of them. */
function instantMs(value: unknown): number {
  const epoch = numberOf(value);
  // 1e11 is the year 5138 in seconds, and 1973 in milliseconds.
  if (!Number.isNaN(epoch)) return epoch > 1e11 ? Math.floor(epoch) : Math.floor(epoch * 1000);
  return isoInstantMs(value);
}

function isoInstantMs(value: unknown): number {
  const match = typeof value === "string" ? isoInstant.exec(value.trim()) : null;
  if (match === null) return Number.NaN;
  const [, date, time, zone = "Z"] = match;
  return Date.parse(`${date}T${time}${zone.toUpperCase()}`);
}

const isoInstant =
  /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|z|[+-]\d\d:?\d\d)?$/;

/** A JSON number, or a string that holds one. NaN: neither. */
function numberOf(value: unknown): number {
  if (typeof value === "number") return value;
  const isNumeric = typeof value === "string" && /^\s*-?\d+(?:\.\d+)?\s*$/.test(value);
  return isNumeric ? Number(value) : Number.NaN;
}
