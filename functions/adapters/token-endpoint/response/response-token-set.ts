import type { ProviderBehaviour } from "../../provider-catalogue/provider-entry.ts";
import {
  isContainer,
  ownValue,
  segmentsOf,
  valueAt,
} from "../../provider-catalogue/stated-values.ts";
import { type Members, tokenNames } from "./token-response-body.ts";

/** The token set of an answer that is the connection's. */
export interface ResponseTokenSet {
  readonly accessToken: string;
  /** Undefined: none came, or one that is no string. */
  readonly refreshToken: string | undefined;
  /** Segments of the path to the object that it stands in; none: the answer itself. */
  readonly path: readonly string[];
  /** What else is said of it: the members of that object, and around it those of the answer. */
  readonly members: Members;
}

/** Where the provider has it, or else at the RFC's place; undefined: no access token at either. */
export function responseTokenSet(
  answer: Members,
  provider: ProviderBehaviour,
): ResponseTokenSet | undefined {
  const names = tokenNames(provider);
  for (const path of [segmentsOf(provider.tokensAt ?? ""), []]) {
    const holder = valueAt(answer, path.join("."));
    if (!isContainer(holder)) continue;
    const accessToken = firstFilled(holder, names.access);
    if (accessToken === undefined) continue;
    // Another token set at the top has a refresh token and a lifetime of its own.
    const isAlone = path.length === 0 || firstFilled(answer, names.access) === undefined;
    const members = isAlone ? { ...answer, ...holder } : holder;
    return { accessToken, refreshToken: firstFilled(members, names.refresh), path, members };
  }
  return undefined;
}

/** What stands where a token set's refresh token would, whether or not there is an access token. */
export function responseRefreshToken(
  answer: Members,
  provider: ProviderBehaviour,
): string | undefined {
  const names = tokenNames(provider).refresh;
  const holders = [valueAt(answer, provider.tokensAt ?? ""), answer].filter(isContainer);
  return holders.map((holder) => firstFilled(holder, names)).find((token) => token !== undefined);
}

const firstFilled = (members: Members, names: readonly string[]): string | undefined =>
  names.map((name) => filled(ownValue(members, name))).find((value) => value !== undefined);

/** A string with something in it, untouched. */
export const filled = (value: unknown): string | undefined =>
  typeof value === "string" && value.trim() !== "" ? value : undefined;
