import { isObject } from "../../../validation/structures.ts";
import type { ProviderBehaviour } from "../../provider-catalogue/provider-entry.ts";

export type Members = Readonly<Record<string, unknown>>;

export interface ParsedBody {
  readonly members: Members;
  /** Oddities of the format. Nothing of the body is quoted. */
  readonly notes: readonly string[];
}

/**
 * The text of a body: UTF-8 (RFC 8259 §8.1), or UTF-16, known by its byte order mark or by the zeros of the
 * two ASCII characters that JSON begins with (RFC 4627 §3). Bytes that are neither become U+FFFD.
 */
export const textOf = (body: Uint8Array): string => new TextDecoder(encodingOf(body)).decode(body);

function encodingOf([first, second, third, fourth]: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (second === 0 && fourth === 0) return "utf-16le";
  return first === 0 && third === 0 ? "utf-16be" : "utf-8";
}

/** A JSON object (RFC 6749 §5.1), or a form, which some servers send instead. Undefined: neither. */
export const parseBody = (text: string, provider: ProviderBehaviour = {}): ParsedBody | undefined =>
  parseJsonObject(text) ?? parseForm(text, provider);

/**
 * Parses a JSON object that was cut off or has other text around it. Only for tokens: an error in such a body
 * is not reliable.
 *
 * Where the object does not end, its members count up to the first that is not whole or not simple. The refresh
 * token has to be among them, or a refresh token behind the access token might be lost; unless the provider
 * never sends a new one.
 */
export function parseDamagedBody(
  text: string,
  provider: ProviderBehaviour = {},
): ParsedBody | undefined {
  const enclosed = parseJsonObject(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));
  if (enclosed !== undefined) {
    return { members: enclosed.members, notes: ["the JSON object has other text around it"] };
  }
  const members = leadingMembers(text);
  const { access, refresh } = tokenNames(provider);
  const isThere = (names: readonly string[]) => names.some((name) => Object.hasOwn(members, name));
  const isWhole = isThere(refresh) || (isThere(access) && keepsRefreshToken(provider));
  return isWhole ? { members, notes: ["the JSON object is damaged"] } : undefined;
}

/** The names under which tokens are looked for: the provider's, then the RFC's. */
export const tokenNames = ({ accessTokenMember, refreshTokenMember }: ProviderBehaviour) => ({
  access: [accessTokenMember ?? "access_token", "access_token"],
  refresh: [refreshTokenMember ?? "refresh_token", "refresh_token"],
});

const keepsRefreshToken = ({ rotation, renewsWith }: ProviderBehaviour): boolean =>
  rotation === "never" || renewsWith === "access_token";

export function parseJsonObject(text: string): ParsedBody | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? { members: value, notes: [] } : undefined;
  } catch {
    return undefined;
  }
}

/** GitHub's response, unless the request asks for JSON: https://docs.github.com/apps. */
function parseForm(text: string, provider: ProviderBehaviour): ParsedBody | undefined {
  if (!/^[\w.~%+*-]+=[^\s<>{}"]*$/.test(text.trim())) return undefined;
  const members = Object.fromEntries(new URLSearchParams(text.trim()));
  const { access, refresh } = tokenNames(provider);
  const names = [...access, ...refresh, provider.errorAt ?? "error", "error"];
  const isTokenResponse = names.some((name) => Object.hasOwn(members, name));
  return isTokenResponse ? { members, notes: ["the response is form-encoded"] } : undefined;
}

/** `"name": value,`, its value whole and neither an object nor an array. */
const simpleMember =
  /\s*("(?:[^"\\]|\\.)*")\s*:\s*(?:("(?:[^"\\]|\\.)*")|(true|false|null|-?[\d.eE+-]+)(?=\s*[,}]))\s*,?/y;

/** A token response has some ten. */
const maximumLeadingMembers = 1_000;

function leadingMembers(text: string): Members {
  const entries: [string, unknown][] = [];
  simpleMember.lastIndex = text.indexOf("{") + 1;
  while (entries.length < maximumLeadingMembers) {
    const match = simpleMember.exec(text);
    if (match === null) break;
    const member = parseJsonObject(`{${match[0].replace(/,$/, "")}}`)?.members;
    if (member === undefined) break;
    entries.push(...Object.entries(member));
  }
  return Object.fromEntries(entries);
}
