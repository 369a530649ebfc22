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
 * The tokens of an answer (RFC 6749 §5.1), whatever else is odd about it: a rotated refresh token that
 * is turned down is lost. Undefined only where there is no access token.
 */
export function grantedTokens(
  answer: Members,
  receivedAtMs: number,
  provider: ProviderBehaviour = {},
): Granted | undefined {
  const set = responseTokenSet(answer, provider);
  if (set === undefined) return undefined;
  const { accessToken, refreshToken, members } = set;
  const tokenType = kept(members.token_type);
  const scope = scopeOf(members, provider);
  const ends = endsOf(set, receivedAtMs, provider);
  const extra = extraOf(answer, set, receivedAtMs, provider);
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
    ...(filled(answer.error) === undefined ? [] : ["an error stands beside the tokens"]),
    ...scope.notes,
    ...ends.notes,
    ...extra.notes,
  ];
  return { kind: "granted", tokens, notes };
}

/** RFC 6749 §6 has "no new refresh token" as its absence; null and "" are meant so too. */
const isOmitted = (value: unknown): boolean =>
  value === undefined || value === null || typeof value === "string";

/** An item of DynamoDB holds 400 KB: what is nice to have must not keep the tokens from being stored. */
const maximumMemberLength = 16 * 1024;

const kept = (value: unknown): string | undefined => {
  const text = filled(value);
  return text !== undefined && text.length <= maximumMemberLength ? text : undefined;
};

interface Noted<Value> {
  readonly value: Value;
  readonly notes: readonly string[];
}

/** RFC 6749 §3.3, and the array or the comma list of it that some send. */
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
  // Under a name of its own a list is what the provider documents.
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
  // What a provider says that has an absolute end alone, counts down to it.
  const isAbsolute = refreshTokenAbsoluteSeconds !== undefined && idleSeconds === undefined;
  // What renews itself has to be renewed before its own end.
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
