import { UnusableKey } from "../../functions/adapters/client-registration/private-key.ts";
import { registeredProvider } from "../../functions/adapters/client-registration/registered-provider.ts";
import { parseDpopKey } from "../../functions/adapters/token-endpoint/dpop.ts";
import { grantedTokens } from "../../functions/adapters/token-endpoint/response/granted-tokens.ts";
import { accessTokenExpiry } from "../../functions/adapters/token-endpoint/response/token-lifetimes.ts";
import { parseBody } from "../../functions/adapters/token-endpoint/response/token-response-body.ts";
import type { TokenSet } from "../../functions/domain/model/connection.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import type { ClientRegistration } from "../../functions/domain/ports/client-registration.ts";
import { CommandFailed } from "./io.ts";

export interface GivenTokens {
  readonly tokens: TokenSet;
  readonly refreshTokenExpiresAtMs: number | undefined;
  readonly refreshTokenAbsoluteExpiresAtMs: number | undefined;
  /** What was odd, in words without content. */
  readonly notes: readonly string[];
}

/**
 * Reads a bare refresh token, or a token response (RFC 6749 §5.1) as the provider sent it, in JSON or in
 * a form. With a refresh token alone the access token counts as expired: the next call gets one. Where a
 * provider renews access tokens by themselves, a bare token is the access token.
 *
 * @param registration says how the provider answers @default as RFC 6749 has it
 * @throws {CommandFailed} neither; the message holds nothing of the input
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
      "the answer on stdin holds neither an access_token nor a refresh_token",
    );
  }
  const { receivedAtMs: _, ...others } = granted.tokens;
  const { refreshTokenExpiresAtMs, refreshTokenAbsoluteExpiresAtMs, ...answered } = others;
  const tokens = { ...answered, dpopKey: dpopKey(members) };
  const ends = { refreshTokenExpiresAtMs, refreshTokenAbsoluteExpiresAtMs };
  if (isPartial) {
    const accessToken = new Secret("");
    return { tokens: { ...tokens, accessToken, expiresAtMs: nowMs }, ...ends, notes: [] };
  }
  // A stored response says when its token ended, too: then it is to be refreshed at once.
  const hasEnded = "expires_at" in members && !accessTokenExpiry(members, nowMs).expiresAtMs;
  const expiresAtMs = hasEnded ? nowMs : tokens.expiresAtMs;
  const isComplete = renewsWithAccessToken || refreshToken !== undefined;
  const notes = isComplete ? granted.notes : [...granted.notes, "there is no refresh_token"];
  return { tokens: { ...tokens, expiresAtMs }, ...ends, notes };
}

const plainRegistration = { provider: {}, renewsWithAccessToken: false };

/** `dpop_jwk`, beside the tokens that are bound to it: RFC 9449. */
function dpopKey({ dpop_jwk: jwk }: Readonly<Record<string, unknown>>): Secret | undefined {
  if (jwk === undefined) return undefined;
  try {
    parseDpopKey(typeof jwk === "object" && jwk !== null ? { ...jwk } : {});
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
  throw new CommandFailed("the refresh token on stdin has characters that no token has");
}
