import type { TokenSet } from "../../domain/model/connection.ts";
import { Secret } from "../../domain/model/secret.ts";
import { isJsonObject } from "../json/json-checks.ts";

/** The plaintext of a sealed token set; names of RFC 6749 §5.1, and beside them what `extra` holds. */
const reservedNames = [
  "access_token",
  "refresh_token",
  "token_type",
  "scope",
  "expires_at",
  "dpop_jwk",
];

/**
 * One JSON object. `expires_at` is ISO 8601 in UTC; `dpop_jwk` the private JWK that the tokens are bound
 * to (RFC 9449), which no provider's answer replaces. A member of `extra` with a reserved name is left
 * out. Never throws for what a provider sent: an instant that no date can hold is left out as well.
 */
export function tokenSetJson(tokens: TokenSet): string {
  const extra = Object.entries(tokens.extra).filter(([name]) => !reservedNames.includes(name));
  return JSON.stringify({
    access_token: tokens.accessToken.reveal(),
    refresh_token: tokens.refreshToken?.reveal(),
    token_type: tokens.tokenType,
    scope: tokens.scope,
    expires_at: isoInstant(tokens.expiresAtMs),
    dpop_jwk: tokens.dpopKey && JSON.parse(tokens.dpopKey.reveal()),
    ...Object.fromEntries(extra),
  });
}

/** @throws {TypeError} naming the member at fault, and no value */
export function parseTokenSet(json: string): TokenSet {
  const { access_token, refresh_token, token_type, scope, expires_at, dpop_jwk, ...extra } =
    parseObject(json);
  const accessToken = optionalString("access_token", access_token);
  if (accessToken === undefined) throw new TypeError("access_token is missing");
  const refreshToken = optionalString("refresh_token", refresh_token);
  return {
    accessToken: new Secret(accessToken),
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
    tokenType: optionalString("token_type", token_type),
    scope: optionalString("scope", scope),
    expiresAtMs: optionalInstantMs("expires_at", expires_at),
    extra,
    ...(dpop_jwk !== undefined && { dpopKey: dpopKey(dpop_jwk) }),
  };
}

function parseObject(json: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // The parser's message quotes the tokens.
    throw new TypeError("the token set is not valid JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError("the token set is not a JSON object");
  }
  return value as Record<string, unknown>;
}

function dpopKey(value: unknown): Secret<string> {
  if (!isJsonObject(value)) throw new TypeError("dpop_jwk is not an object");
  return new Secret(JSON.stringify(value));
}

function optionalString(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw new TypeError(`${name} is not a string`);
}

function optionalInstantMs(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const instantMs = typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(instantMs)) throw new TypeError(`${name} is not an ISO 8601 instant`);
  return instantMs;
}

function isoInstant(instantMs: number | undefined): string | undefined {
  const date = new Date(instantMs ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
