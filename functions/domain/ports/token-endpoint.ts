import type { Secret } from "../model/secret.ts";
import type { ClientRegistration } from "./client-registration.ts";

/** RFC 6749 §6. Never rejects because of what a provider does. */
export interface TokenEndpoint {
  refresh(request: TokenRequest): Promise<TokenResult>;
}

export interface TokenRequest {
  readonly registration: ClientRegistration;
  readonly config: Readonly<Record<string, string>>;
  /** Undefined: there is none, and the registration renews with the access token. */
  readonly refreshToken: Secret<string> | undefined;
  readonly accessToken: Secret<string>;
  /** A private JWK: what the refresh token is, or the next tokens are to be, bound to. */
  readonly dpopKey?: Secret<string> | undefined;
  /** What the stored token set may do, to be compared with what the new one may. */
  readonly scope: string | undefined;
  /** From the look-up of the host to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Asked last, when the connection stands and nothing is sent yet; false: nothing is sent. */
  readonly maySend: () => boolean;
}

interface Wait {
  readonly retryAfterMs: number | undefined;
  /** Nobody else's: other connections of the integration may be asked for. @default the integration */
  readonly concerns?: "connection";
}

export type TokenResult =
  /** Tokens came. `notes`: what was odd about the rest of the answer, in words without content. */
  | { readonly kind: "granted"; readonly tokens: GrantedTokens; readonly notes: readonly string[] }
  /** A new refresh token came, and no access token. */
  | { readonly kind: "rotated"; readonly refreshToken: Secret<string>; readonly reason: string }
  /** `invalid_grant`: the refresh token is dead, says the provider. */
  | ({ readonly kind: "refused" } & ProviderWords)
  /** `invalid_client`, `unauthorized_client`. */
  | ({ readonly kind: "client_rejected" } & ProviderWords)
  /** 429: definite, nothing was granted. */
  | ({ readonly kind: "rate_limited" } & Wait)
  /** Definite, nothing was granted: host not found, connection refused, TLS, 503. */
  | ({ readonly kind: "unavailable"; readonly reason: string } & Wait & Partial<ProviderWords>)
  /** `maySend` said no. */
  | { readonly kind: "not_sent" }
  /** No whole answer within `timeoutMs`, the request being out: the provider may have rotated. */
  | { readonly kind: "timed_out" }
  /** The connection broke, the request being out: the provider may have rotated. */
  | { readonly kind: "broken_off"; readonly reason: string }
  /** An answer that is neither tokens nor one of the above: 500, HTML, an unknown `error`. */
  | ({
      readonly kind: "unusable";
      readonly reason: string;
      /** Status 500 or above: the provider is at fault, rather than the request. */
      readonly serverFailed: boolean;
    } & Partial<ProviderWords>)
  /** The endpoint may not be called: not https, a private address, an unfilled variable. */
  | { readonly kind: "misconfigured"; readonly reason: string };

export interface ProviderWords {
  readonly providerError: string;
  /** Cut, and free of tokens and secrets. */
  readonly providerErrorDescription: string | undefined;
}

/** The provider's answer, its lifetimes turned into instants that count from `receivedAtMs`. */
export interface GrantedTokens {
  readonly accessToken: Secret<string>;
  /** Undefined: the provider sent none, the old one stays. */
  readonly refreshToken: Secret<string> | undefined;
  readonly tokenType: string | undefined;
  /** Undefined: the provider sent none, the old one stays. */
  readonly scope: string | undefined;
  readonly expiresAtMs: number | undefined;
  /** Of this refresh token; the next refresh moves it. Undefined: neither said nor known. */
  readonly refreshTokenExpiresAtMs: number | undefined;
  /** Of all refresh tokens of the user's consent; no refresh moves it. Undefined: not said, what is stored stays. */
  readonly refreshTokenAbsoluteExpiresAtMs: number | undefined;
  readonly extra: Readonly<Record<string, unknown>>;
  /** What the tokens are bound to. Undefined: nothing, or what is stored. */
  readonly dpopKey?: Secret<string> | undefined;
  /** When the last byte of the answer was read. */
  readonly receivedAtMs: number;
}
