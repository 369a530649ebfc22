import type { ProviderBehaviour } from "../../provider-catalogue/provider-entry.ts";
import { isContainer, ownValue } from "../../provider-catalogue/stated-values.ts";
import type { ResponseTokenSet } from "./response-token-set.ts";
import { accessTokenExpiry, expiryNames } from "./token-lifetimes.ts";
import { type Members, tokenNames } from "./token-response-body.ts";

/** An item of DynamoDB holds 400 KB: optional members must not keep the tokens from being stored. */
const maximumExtraBytes = 64 * 1024;
/** More members exceed that size with the shortest of names and values, and are not worth a copy. */
const maximumMembers = maximumExtraBytes / 4;

/**
 * Names that `extra` omits: members that are stored elsewhere; `id_token`, which proves a login at its time,
 * is no credential for an API and states a person's name and address; `dpop_jwk`, the name of our own key among
 * the stored tokens; `__proto__`, which is not data.
 */
const notExtra = [
  "access_token",
  "refresh_token",
  "token_type",
  "scope",
  "id_token",
  "dpop_jwk",
  "__proto__",
  ...expiryNames,
];

export interface Extra {
  readonly value: Readonly<Record<string, unknown>>;
  readonly notes: readonly string[];
}

/** Members of a response beside its token set that callers may need, other token sets included. */
export function extraOf(
  response: Members,
  set: ResponseTokenSet,
  receivedAtMs: number,
  provider: ProviderBehaviour,
): Extra {
  if (Object.keys(response).length > maximumMembers) return tooLarge;
  const left = new Set([...notExtra, ...ownNames(provider)]);
  const extra = {
    ...withoutMembers(withoutMembersAt(response, set.path, left), left),
    ...(set.path.length > 0 && otherTokens(response, set, receivedAtMs, provider)),
  };
  return jsonBytes(extra) <= maximumExtraBytes ? { value: extra, notes: [] } : tooLarge;
}

const tooLarge: Extra = { value: {}, notes: ["the other members are too large to keep"] };

/** The provider's names of members that are stored elsewhere. */
function ownNames(provider: ProviderBehaviour): readonly string[] {
  const { access, refresh } = tokenNames(provider);
  const ends = [provider.accessTokenEnd, provider.refreshTokenEnd];
  const endNames = ends.flatMap((end) => (end && "member" in end ? [end.member] : []));
  return [...access, ...refresh, provider.scopeMember ?? "scope", ...endNames];
}

/** A token set at the top level that is not the connection's. Its lifetime becomes an instant. */
function otherTokens(
  response: Members,
  { refreshToken }: ResponseTokenSet,
  receivedAtMs: number,
  provider: ProviderBehaviour,
): Members {
  const names = tokenNames(provider);
  const access_token = firstOf(response, names.access);
  const refresh_token = firstOf(response, names.refresh);
  const isTaken = refresh_token === undefined || refresh_token === refreshToken;
  if (access_token === undefined && isTaken) return {};
  const { token_type, scope } = response;
  const { expiresAtMs } = accessTokenExpiry(response, receivedAtMs);
  const expires_at = expiresAtMs && new Date(expiresAtMs).toISOString();
  return { other_tokens: { access_token, refresh_token, token_type, scope, expires_at } };
}

const firstOf = (members: Members, names: readonly string[]): unknown =>
  names.map((name) => ownValue(members, name)).find((value) => value !== undefined);

function withoutMembersAt(
  response: Members,
  [segment, ...rest]: readonly string[],
  names: ReadonlySet<string>,
): Members {
  const inner = segment === undefined ? undefined : response[segment];
  if (segment === undefined || !isContainer(inner)) return withoutMembers(response, names);
  const left = withoutMembersAt(inner, rest, names);
  return { ...response, [segment]: Array.isArray(inner) ? Object.values(left) : left };
}

const withoutMembers = (members: Members, names: ReadonlySet<string>): Members =>
  Object.fromEntries(Object.entries(members).filter(([name]) => !names.has(name)));

/** Infinity: the value is nested too deep to be serialized. */
function jsonBytes(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
