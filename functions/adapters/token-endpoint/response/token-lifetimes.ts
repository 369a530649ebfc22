import { decodeJwt } from "jose";
import type { TokenEnd } from "../../provider-catalogue/provider-entry.ts";
import { ownValue } from "../../provider-catalogue/stated-values.ts";
import type { Members } from "./token-response-body.ts";

export interface Expiry {
  /** Undefined: not said, or not to be made sense of. */
  readonly expiresAtMs: number | undefined;
  readonly notes: readonly string[];
}

/** What the catalogue says of a token's end. */
export interface EndRule {
  /** Undefined: the customary names, whatever their form. */
  readonly end?: TokenEnd | undefined;
  /** Counts where the answer does not say. */
  readonly lifetimeSeconds?: number | undefined;
  /** Undefined: none came. */
  readonly token?: string | undefined;
}

/** Where providers say when the access token ends: RFC 6749 §5.1 first, absolute only without it. */
export const accessTokenExpiry = (
  members: Members,
  receivedAtMs: number,
  rule: EndRule = {},
): Expiry =>
  ruledExpiry(members, receivedAtMs, rule, () =>
    expiry(members, receivedAtMs, lifetimeNames, instantNames),
  );

/**
 * Where they say when the refresh token ends; no standard has a name for it.
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

/** Names whose meaning an {@link Expiry} has taken over: relative to an answer, they soon mislead. */
export const expiryNames: readonly string[] = [
  ...lifetimeNames,
  ...instantNames,
  ...refreshLifetimeNames,
  ...refreshInstantNames,
];

/** Longer lifetimes are a way of saying "never", or a misunderstanding. Ten years have been seen in earnest. */
const maximumLifetimeMs = 10 * 366 * 24 * 60 * 60 * 1000;

export const isLifetime = (lifetimeMs: number): boolean =>
  lifetimeMs > 0 && lifetimeMs <= maximumLifetimeMs;

/** As the provider is known to say it; where it does not, as is customary; or else as it documents it. */
function ruledExpiry(
  members: Members,
  receivedAtMs: number,
  { end, lifetimeSeconds, token }: EndRule,
  customary: () => Expiry,
): Expiry {
  const documentedAtMs =
    lifetimeSeconds === undefined ? undefined : receivedAtMs + lifetimeSeconds * 1000;
  if (end?.as === "never") return { expiresAtMs: undefined, notes: [] };
  if (end?.as === "fixed") return { expiresAtMs: documentedAtMs, notes: [] };
  const statedAtMs = end === undefined ? Number.NaN : statedMs(end, members, receivedAtMs, token);
  if (isLifetime(statedAtMs - receivedAtMs)) return { expiresAtMs: statedAtMs, notes: [] };
  const { expiresAtMs = documentedAtMs, notes } = customary();
  return { expiresAtMs, notes };
}

/** NaN: not said, or in another form. */
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

/** Of a token that is not ours to verify: what it says of its end is as good as the answer that it came in. */
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
    // 0 is how some say that there is no end.
    if (value !== undefined && numberOf(value) !== 0) notes.push(`${name} is not usable`);
  }
  return { expiresAtMs: undefined, notes };
}

const afterMs = (seconds: unknown, receivedAtMs: number): number =>
  receivedAtMs + Math.floor(numberOf(seconds) * 1000);

/** Epoch seconds, epoch milliseconds, or ISO 8601, in UTC where it does not say. NaN: none of them. */
function instantMs(value: unknown): number {
  const epoch = numberOf(value);
  // In seconds the year 5138, in milliseconds 1973.
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

/** A JSON number, or a string that is one. */
function numberOf(value: unknown): number {
  if (typeof value === "number") return value;
  const isNumeric = typeof value === "string" && /^\s*-?\d+(?:\.\d+)?\s*$/.test(value);
  return isNumeric ? Number(value) : Number.NaN;
}
