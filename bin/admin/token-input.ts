import { UnusableKey } from "../../functions/adapters/client-registration/private-key.ts";
import { registeredProvider } from "../../functions/adapters/client-registration/registered-provider.ts";
import { parseDpopKey } from "../../functions/adapters/token-endpoint/dpop.ts";
import { grantedTokens } from "../../functions/adapters/token-endpoint/response/granted-tokens.ts";
import { accessTokenExpiry } from "../../functions/adapters/token-endpoint/response/token-lifetimes.ts";
import { parseBody } from "../../functions/adapters/token-endpoint/response/token-response-body.ts";
import type { TokenSet } from "../../functions/domain/model/connection.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import type { ClientRegistration } from "../../functions/domain/ports/client-registration.ts";
import { isObject } from "../../functions/validation/structures.ts";
import { CommandFailed } from "./io.ts";

export interface GivenTokens {
  readonly tokens: TokenSet;
  readonly jwtExpiresAtMs?: number | undefined;
  readonly neverExpires?: boolean | undefined;
  readonly refreshTokenExpiresAtMs: number | undefined;
  readonly refreshTokenAbsoluteExpiresAtMs: number | undefined;
  /** Irregularities, in words that quote nothing. */
  readonly notes: readonly string[];
}

/**
 * Reads a bare refresh token, or a token response (RFC 6749 §5.1) as the provider sent it, in JSON or form-encoded.
 * Without an access token, the connection counts as expired, so that the next call refreshes it. If the provider
 * renews access tokens with themselves, a bare token is the access token.
 *
 * @param registration describes the provider's token responses @default as in RFC 6749
 * @throws {CommandFailed} the input is neither; the message quotes nothing of it
 */
export function parseTokens(
  input: Secret,
  nowMs: number,
  registration: Pick<ClientRegistration, "provider" | "renewsWithAccessToken"> = plainRegistration,
): GivenTokens {
  const text = input.reveal().trim();
  const { renewsWithAccessToken } = registration;
  const bareName = renewsWithAccessToken ? "access_token" : "refresh_token";
  const provider = registeredProvider(registration);
  const members = text.startsWith("{")
    ? parseObject(text)
    : (parseBody(text, provider)?.members ?? { [bareName]: bareToken(text) });
  const whole = grantedTokens(members, nowMs, provider);
  const isPartial = whole === undefined;
  const granted = whole ?? grantedTokens({ ...members, access_token: "-" }, nowMs, provider);
  const refreshToken = granted?.tokens.refreshToken;
  if (granted === undefined || (isPartial && refreshToken === undefined)) {
    throw new CommandFailed(
      "the token response on stdin holds neither an access_token nor a refresh_token",
    );
  }
  const { receivedAtMs: _, ...others } = granted.tokens;
  const { refreshTokenExpiresAtMs, refreshTokenAbsoluteExpiresAtMs, ...rest } = others;
  const { jwtExpiresAtMs, neverExpires, ...kept } = rest;
  const tokens = { ...kept, dpopKey: dpopKey(members) };
  const unstated = { jwtExpiresAtMs, neverExpires };
  const ends = { ...unstated, refreshTokenExpiresAtMs, refreshTokenAbsoluteExpiresAtMs };
  if (isPartial) {
    const accessToken = new Secret("");
    return { tokens: { ...tokens, accessToken, expiresAtMs: nowMs }, ...ends, notes: [] };
  }
  // The access token of a stored response may have expired meanwhile. The connection is then due at once.
  const hasEnded = "expires_at" in members && !accessTokenExpiry(members, nowMs).expiresAtMs;
  const expiresAtMs = hasEnded ? nowMs : tokens.expiresAtMs;
  const isComplete = renewsWithAccessToken || refreshToken !== undefined;
  const notes = isComplete
    ? granted.notes
    : [...granted.notes, "the token response holds no refresh_token"];
  return { tokens: { ...tokens, expiresAtMs }, ...ends, notes };
}

const plainRegistration = { provider: {}, renewsWithAccessToken: false };

/** `dpop_jwk`, the key that the tokens are bound to (RFC 9449). */
function dpopKey({ dpop_jwk: jwk }: Readonly<Record<string, unknown>>): Secret | undefined {
  if (jwk === undefined) return undefined;
  try {
    parseDpopKey(isObject(jwk) ? jwk : {});
    return new Secret(JSON.stringify(jwk));
  } catch (error) {
    if (!(error instanceof UnusableKey)) throw error;
    throw new CommandFailed(`dpop_jwk on stdin ${error.message}`);
  }
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
  throw new CommandFailed("the refresh token on stdin has characters that a token cannot have");
}
