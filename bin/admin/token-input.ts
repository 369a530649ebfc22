import { grantedTokens } from "../../functions/adapters/granted-tokens.ts";
import type { TokenSet } from "../../functions/domain/connection.ts";
import { Secret } from "../../functions/domain/secret.ts";
import { CommandFailed } from "./io.ts";

export interface GivenTokens {
  readonly tokens: TokenSet;
  readonly refreshTokenExpiresAtMs: number | undefined;
  /** What was odd, in words without content. */
  readonly notes: readonly string[];
}

/**
 * Reads a bare refresh token, or a token response (RFC 6749 §5.1) as a provider sent it, in JSON. With
 * a refresh token alone the access token counts as expired: the next call gets one.
 *
 * @throws {CommandFailed} neither; the message holds nothing of the input
 */
export function parseTokens(input: Secret, nowMs: number): GivenTokens {
  const text = input.reveal().trim();
  const members = text.startsWith("{") ? parseObject(text) : { refresh_token: bareToken(text) };
  const isPartial = !("access_token" in members);
  const granted = grantedTokens(isPartial ? { ...members, access_token: "-" } : members, nowMs);
  const refreshToken = granted?.tokens.refreshToken;
  if (granted === undefined || (isPartial && refreshToken === undefined)) {
    throw new CommandFailed("the JSON on stdin holds neither an access_token nor a refresh_token");
  }
  const { refreshTokenExpiresAtMs, receivedAtMs: _, ...tokens } = granted.tokens;
  if (isPartial) {
    const accessToken = new Secret("");
    return {
      tokens: { ...tokens, accessToken, expiresAtMs: nowMs },
      refreshTokenExpiresAtMs,
      notes: [],
    };
  }
  // A stored response says when its token ended, too: then it is to be refreshed at once.
  const expiresAtMs = tokens.expiresAtMs ?? ("expires_at" in members ? nowMs : undefined);
  const notes = refreshToken ? granted.notes : [...granted.notes, "there is no refresh_token"];
  return { tokens: { ...tokens, expiresAtMs }, refreshTokenExpiresAtMs, notes };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the tokens.
    throw new CommandFailed("the token response on stdin is not valid JSON");
  }
}

/** `1*VSCHAR`: RFC 6749 Appendix A.17. */
function bareToken(text: string): string {
  if (/^[\x20-\x7e]+$/.test(text)) return text;
  throw new CommandFailed("the refresh token on stdin has characters that no token has");
}
