import { Secret } from "../../../domain/model/secret.ts";
import type { GrantedTokens, TokenResult } from "../../../domain/ports/token-endpoint.ts";
import type { ProviderBehaviour } from "../../provider-catalogue/provider-entry.ts";
import { extraOf } from "./extra-members.ts";
import { filled, type ResponseTokenSet, responseTokenSet } from "./response-token-set.ts";
import {
  accessTokenExpiry,
  isLifetime,
  jwtExpiryMs,
  refreshTokenExpiry,
} from "./token-lifetimes.ts";
import type { Members } from "./token-response-body.ts";

export type Granted = Extract<TokenResult, { kind: "granted" }>;

/**
 * The tokens of a response (RFC 6749 §5.1), whatever else is odd about it: a rotated refresh token that
 * is not accepted is lost. Undefined only where there is no access token.
 */
export function grantedTokens(
  response: Members,
  receivedAtMs: number,
  provider: ProviderBehaviour = {},
): Granted | undefined {
  const set = responseTokenSet(response, provider);
  if (set === undefined) return undefined;
  const { accessToken, refreshToken, members } = set;
  const tokenType = kept(members.token_type);
  const scope = scopeOf(members, provider);
  const ends = endsOf(set, receivedAtMs, provider);
  const extra = extraOf(response, set, receivedAtMs, provider);
  const tokens: GrantedTokens = {
    accessToken: new Secret(accessToken),
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
    tokenType,
    scope: scope.value,
    ...ends.value,
    extra: extra.value,
    receivedAtMs,
  };
  const notes = [
    ...(tokenType === undefined ? ["token_type is missing or not usable"] : []),
    ...(isOmitted(members.refresh_token) ? [] : ["refresh_token is not a string"]),
    ...(filled(response.error) === undefined
      ? []
      : ["the response has an error beside the tokens"]),
    ...scope.notes,
    ...ends.notes,
    ...extra.notes,
  ];
  return { kind: "granted", tokens, notes };
}

/** RFC 6749 §6 omits the member where there is no new refresh token; some servers send null or "" instead. */
const isOmitted = (value: unknown): boolean =>
  value === undefined || value === null || typeof value === "string";

/** An item of DynamoDB holds 400 KB: an optional member must not keep the tokens from being stored. */
const maximumMemberLength = 16 * 1024;

const kept = (value: unknown): string | undefined => {
  const text = filled(value);
  return text !== undefined && text.length <= maximumMemberLength ? text : undefined;
};

interface Noted<Value> {
  readonly value: Value;
  readonly notes: readonly string[];
}

/** RFC 6749 §3.3; some servers send an array, or a list with commas. */
function scopeOf(
  members: Members,
  { scopeMember = "scope", scopeSeparator = "space" }: ProviderBehaviour,
): Noted<string | undefined> {
  const scope = members[scopeMember] ?? members.scope;
  const isList = Array.isArray(scope) && scope.every((item) => typeof item === "string");
  const text = isList ? scope.join(" ") : scope;
  const whole = kept(text);
  if (filled(text) !== whole) return { value: whole, notes: ["scope is too long to keep"] };
  const value = scopeSeparator === "comma" ? whole?.split(/[\s,]+/).join(" ") : whole;
  // A list under the provider's own name is documented, and not odd.
  if (isList) return { value, notes: scopeMember === "scope" ? ["scope is an array"] : [] };
  return { value, notes: isOmitted(scope) ? [] : ["scope is not a string"] };
}

type Ends = Pick<
  GrantedTokens,
  | "expiresAtMs"
  | "jwtExpiresAtMs"
  | "neverExpires"
  | "refreshTokenExpiresAtMs"
  | "refreshTokenAbsoluteExpiresAtMs"
>;

function endsOf(
  { accessToken, refreshToken, members }: ResponseTokenSet,
  receivedAtMs: number,
  provider: ProviderBehaviour,
): Noted<Ends> {
  const access = accessTokenExpiry(members, receivedAtMs, {
    end: provider.accessTokenEnd,
    lifetimeSeconds: provider.accessTokenLifetimeSeconds,
    token: accessToken,
  });
  const { refreshTokenIdleSeconds: idleSeconds, refreshTokenAbsoluteSeconds } = provider;
  const refresh = refreshTokenExpiry(members, receivedAtMs, {
    end: provider.refreshTokenEnd,
    lifetimeSeconds: idleSeconds,
    token: refreshToken,
  });
  // A provider whose refresh tokens have only an absolute end states that end.
  const isAbsolute = refreshTokenAbsoluteSeconds !== undefined && idleSeconds === undefined;
  // An access token that renews itself has to be renewed before its own end.
  const renewed = provider.renewsWith === "access_token" ? access : refresh;
  const jwtExpiresAtMs = access.expiresAtMs === undefined ? jwtExpiryMs(accessToken) : Number.NaN;
  const value = {
    expiresAtMs: access.expiresAtMs,
    ...(isLifetime(jwtExpiresAtMs - receivedAtMs) && { jwtExpiresAtMs }),
    ...(provider.accessTokenEnd?.as === "never" && { neverExpires: true }),
    refreshTokenExpiresAtMs: isAbsolute ? undefined : renewed.expiresAtMs,
    refreshTokenAbsoluteExpiresAtMs: isAbsolute ? renewed.expiresAtMs : undefined,
  };
  return { value, notes: [...access.notes, ...refresh.notes] };
}
