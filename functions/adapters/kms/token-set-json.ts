import type { TokenSet } from "../../domain/model/connection.ts";
import { Secret } from "../../domain/model/secret.ts";
import { type Fault, faultsText, validated } from "../../validation/check.ts";
import { anyObject, json, object, optional } from "../../validation/structures.ts";
import { instant, string } from "../../validation/values.ts";

/** The names of RFC 6749 §5.1, `expires_at` as ISO 8601 in UTC, and `dpop_jwk`, a private JWK (RFC 9449). */
const tokenSetChecks = {
  access_token: string,
  refresh_token: optional(string),
  token_type: optional(string),
  scope: optional(string),
  expires_at: optional(instant),
  dpop_jwk: optional(anyObject),
};

const isReserved = (name: string): boolean => Object.hasOwn(tokenSetChecks, name);

/**
 * The plaintext of a sealed token set: one JSON object, with the members of `extra` beside the token set's own. A
 * member of `extra` with a reserved name is left out, and so is an instant that no date can hold: nothing that a
 * provider sent makes this throw.
 */
export function tokenSetJson(tokens: TokenSet): string {
  const extra = Object.entries(tokens.extra).filter(([name]) => !isReserved(name));
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

function isoInstant(instantMs: number | undefined): string | undefined {
  const date = new Date(instantMs ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

const jsonObject = json(anyObject);
const tokenSetCheck = object(tokenSetChecks);

const malformed = (faults: readonly Fault[]): TypeError => new TypeError(faultsText(faults));

/** @throws {TypeError} naming every member at fault, and no value */
export function parseTokenSet(text: string): TokenSet {
  const members = validated(jsonObject, text, malformed);
  const tokens = validated(tokenSetCheck, members, malformed);
  const extra = Object.entries(members).filter(([name]) => !isReserved(name));
  const { access_token, refresh_token, dpop_jwk } = tokens;
  return {
    accessToken: new Secret(access_token),
    refreshToken: refresh_token === undefined ? undefined : new Secret(refresh_token),
    tokenType: tokens.token_type,
    scope: tokens.scope,
    expiresAtMs: tokens.expires_at,
    extra: Object.fromEntries(extra),
    ...(dpop_jwk && { dpopKey: new Secret(JSON.stringify(dpop_jwk)) }),
  };
}
