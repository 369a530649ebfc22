import type { ProviderBehaviour } from "../../provider-catalogue/provider-entry.ts";
import {
  isContainer,
  ownValue,
  segmentsOf,
  valueAt,
} from "../../provider-catalogue/stated-values.ts";
import { type Members, tokenNames } from "./token-response-body.ts";

/** The connection's token set in a response. */
export interface ResponseTokenSet {
  readonly accessToken: string;
  /** Undefined: the response has none, or one that is not a string. */
  readonly refreshToken: string | undefined;
  /** Segments of the path to the object that holds the set. Empty: the response itself. */
  readonly path: readonly string[];
  /** The members of that object, and beside them those of the response where it has no other token set. */
  readonly members: Members;
}

/** The token set at the provider's place, or else at the RFC's. Undefined: no access token at either. */
export function responseTokenSet(
  response: Members,
  provider: ProviderBehaviour,
): ResponseTokenSet | undefined {
  const names = tokenNames(provider);
  for (const path of [segmentsOf(provider.tokensAt ?? ""), []]) {
    const holder = valueAt(response, path.join("."));
    if (!isContainer(holder)) continue;
    const accessToken = firstFilled(holder, names.access);
    if (accessToken === undefined) continue;
    // Another token set at the top has a refresh token and a lifetime of its own.
    const isAlone = path.length > 0 && firstFilled(response, names.access) === undefined;
    const members = isAlone ? { ...response, ...holder } : holder;
    return { accessToken, refreshToken: firstFilled(members, names.refresh), path, members };
  }
  return undefined;
}

/** The refresh token of a response, with or without an access token beside it. */
export function responseRefreshToken(
  response: Members,
  provider: ProviderBehaviour,
): string | undefined {
  const names = tokenNames(provider).refresh;
  const holders = [valueAt(response, provider.tokensAt ?? ""), response].filter(isContainer);
  return holders.map((holder) => firstFilled(holder, names)).find((token) => token !== undefined);
}

const firstFilled = (members: Members, names: readonly string[]): string | undefined =>
  names.map((name) => filled(ownValue(members, name))).find((value) => value !== undefined);

/** A string that is not blank, unchanged. */
export const filled = (value: unknown): string | undefined =>
  typeof value === "string" && value.trim() !== "" ? value : undefined;
