import type { GrantAnswer, GrantedTokens } from "../domain/ports.ts";
import { Secret } from "../domain/secret.ts";
import { accessTokenExpiry, expiryNames, refreshTokenExpiry } from "./token-lifetimes.ts";
import type { Members } from "./token-response-body.ts";

export type Granted = Extract<GrantAnswer, { kind: "granted" }>;

/**
 * The tokens of an answer (RFC 6749 §5.1), whatever else is odd about it: a rotated refresh token that
 * is turned down is lost. Undefined only where there is no `access_token`.
 */
export function grantedTokens(members: Members, receivedAtMs: number): Granted | undefined {
  const accessToken = filled(members.access_token);
  if (accessToken === undefined) return undefined;
  const refreshToken = filled(members.refresh_token);
  const tokenType = kept(members.token_type);
  const scope = scopeOf(members.scope);
  const access = accessTokenExpiry(members, receivedAtMs);
  const refresh = refreshTokenExpiry(members, receivedAtMs);
  const extra = extraOf(members);
  const tokens: GrantedTokens = {
    accessToken: new Secret(accessToken),
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
    tokenType,
    scope: scope.value,
    expiresAtMs: access.expiresAtMs,
    refreshTokenExpiresAtMs: refresh.expiresAtMs,
    refreshTokenAbsoluteExpiresAtMs: undefined,
    extra: extra.value,
    receivedAtMs,
  };
  const notes = [
    ...(tokenType === undefined ? ["token_type is missing or not usable"] : []),
    ...(isOmitted(members.refresh_token) ? [] : ["refresh_token is not a string"]),
    ...(filled(members.error) === undefined ? [] : ["an error stands beside the tokens"]),
    ...scope.notes,
    ...access.notes,
    ...refresh.notes,
    ...extra.notes,
  ];
  return { kind: "granted", tokens, notes };
}

/** A string with something in it, untouched. */
const filled = (value: unknown): string | undefined =>
  typeof value === "string" && value.trim() !== "" ? value : undefined;

/** RFC 6749 §6 has "no new refresh token" as its absence; null and "" are meant so too. */
const isOmitted = (value: unknown): boolean =>
  value === undefined || value === null || typeof value === "string";

/** An item of DynamoDB holds 400 KB: what is nice to have must not keep the tokens from being stored. */
const maximumMemberLength = 16 * 1024;
const maximumExtraBytes = 64 * 1024;

const kept = (value: unknown): string | undefined => {
  const text = filled(value);
  return text !== undefined && text.length <= maximumMemberLength ? text : undefined;
};

interface Noted<Value> {
  readonly value: Value;
  readonly notes: readonly string[];
}

/** RFC 6749 §3.3, and the array of it that some send. */
function scopeOf(scope: unknown): Noted<string | undefined> {
  const isList = Array.isArray(scope) && scope.every((item) => typeof item === "string");
  const text = isList ? scope.join(" ") : scope;
  const value = kept(text);
  if (filled(text) !== value) return { value, notes: ["scope is too long to keep"] };
  if (isList) return { value, notes: ["scope is an array"] };
  return { value, notes: isOmitted(scope) ? [] : ["scope is not a string"] };
}

/**
 * Left out of `extra`: what has a place of its own; `id_token`, which proves a login to the client at
 * the time of it and is no credential for an API, but tells a person's name and address; `__proto__`,
 * which is no one's data.
 */
const notExtra = new Set([
  "access_token",
  "refresh_token",
  "token_type",
  "scope",
  "id_token",
  "__proto__",
  ...expiryNames,
]);

function extraOf(members: Members): Noted<Readonly<Record<string, unknown>>> {
  const extra = Object.fromEntries(Object.entries(members).filter(([name]) => !notExtra.has(name)));
  return jsonBytes(extra) <= maximumExtraBytes
    ? { value: extra, notes: [] }
    : { value: {}, notes: ["the other members are too large to keep"] };
}

/** Infinite where a value is nested too deep to be written at all. */
function jsonBytes(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
