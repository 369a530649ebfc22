import type { Secret } from "../model/secret.ts";
import type { Recipient } from "../model/token-binding.ts";
import type { ClientRegistration } from "./client-registration.ts";

/** Token requests, RFC 6749 §6. Never rejects because of what a provider does. */
export interface TokenEndpoint {
  refresh(request: TokenRequest): Promise<TokenResult>;
  /**
   * The server that a connection's token requests go to, without asking any. Undefined: there is none, for the
   * registration or the connection's config does not name one that may be asked.
   */
  originOf(
    registration: Pick<ClientRegistration, "provider" | "tokenEndpoint" | "issuer">,
    config: TokenRequest["config"],
  ): EndpointOrigin | undefined;
}

export interface EndpointOrigin {
  /** Scheme, host and port, RFC 6454 §6.2: `https://acme.example`. With an issuer's metadata: the issuer's. */
  readonly origin: string;
  /** The host has a part that each connection's config may state: other connections may go elsewhere. */
  readonly variesByConnection: boolean;
}

export interface TokenRequest {
  readonly registration: ClientRegistration;
  readonly config: Readonly<Record<string, string>>;
  /** Undefined: there is none, and the registration renews the access token itself. */
  readonly refreshToken: Secret<string> | undefined;
  readonly accessToken: Secret<string>;
  /** A private JWK: the key that the refresh token is bound to. */
  readonly dpopKey?: Secret<string> | undefined;
  /** The scope of the stored token set, for comparison with the new one. */
  readonly scope: string | undefined;
  /** From the look-up of the host to the last byte of the response. */
  readonly timeoutMs: number;
  /**
   * Called once the token endpoint is known, and before anything is sent to it.
   * @throws {MisconfiguredRegistration} the tokens may not be sent there
   * @throws {StoreUnavailable}
   */
  readonly assertRecipient: (recipient: Recipient) => Promise<void>;
  /** Asked last, when the connection is established and nothing is sent yet. False: nothing is sent. */
  readonly maySend: () => boolean;
}

interface Pause {
  readonly retryAfterMs: number | undefined;
  /**
   * `connection`: the failure is this connection's alone. `integration`: the provider counts the requests of the
   * client. @default other connections show it
   */
  readonly concerns?: "connection" | "integration";
}

export type TokenResult =
  /** Tokens came. `notes` names what was odd about the rest of the response, and quotes nothing. */
  | { readonly kind: "granted"; readonly tokens: GrantedTokens; readonly notes: readonly string[] }
  /** A new refresh token came, and no access token. */
  | { readonly kind: "rotated"; readonly refreshToken: Secret<string>; readonly reason: string }
  /** `invalid_grant`: the provider says that the refresh token is dead. */
  | ({ readonly kind: "refused" } & ProviderWords)
  /** `invalid_client`, `unauthorized_client`. */
  | ({ readonly kind: "client_rejected" } & ProviderWords)
  /** 429: definite, nothing was granted. */
  | ({ readonly kind: "rate_limited" } & Pause)
  /** Definite, nothing was granted: host not found, connection refused, TLS, 503. */
  | ({ readonly kind: "unavailable"; readonly reason: string } & Pause & Partial<ProviderWords>)
  /** `maySend` returned false. */
  | { readonly kind: "not_sent" }
  /** The request was sent, and no whole response came within `timeoutMs`: the provider may have rotated. */
  | { readonly kind: "timed_out" }
  /** The request was sent, and the connection broke: the provider may have rotated. */
  | { readonly kind: "broken_off"; readonly reason: string }
  /** A response that is neither tokens nor one of the above: 500, HTML, an unknown `error`. */
  | ({
      readonly kind: "unusable";
      readonly reason: string;
      /** Status 500 or above: the provider is at fault, rather than the request. */
      readonly serverFailed: boolean;
      /**
       * The provider may have rotated: the response is a gateway's (502, 504), or a success without tokens where
       * they were expected. @default false
       */
      readonly mayHaveRotated?: boolean;
    } & Partial<ProviderWords>)
  /** The endpoint may not be called: not https, a private address, an unfilled variable. */
  | { readonly kind: "misconfigured"; readonly reason: string };

export interface ProviderWords {
  readonly providerError: string;
  /** Cut, and free of tokens and secrets. */
  readonly providerErrorDescription: string | undefined;
}

/** A token response; its lifetimes are instants that count from `receivedAtMs`. */
export interface GrantedTokens {
  readonly accessToken: Secret<string>;
  /** Undefined: the provider sent none, and the stored one stays. */
  readonly refreshToken: Secret<string> | undefined;
  readonly tokenType: string | undefined;
  /** Undefined: the provider sent none, and the stored one stays. */
  readonly scope: string | undefined;
  readonly expiresAtMs: number | undefined;
  /** `exp` of a JWT access token, where nothing else states its end. Undefined: it is none, or states none. */
  readonly jwtExpiresAtMs?: number | undefined;
  /** The catalogue says that the provider's access tokens do not expire. @default false */
  readonly neverExpires?: boolean | undefined;
  /** When this refresh token ends; the next refresh moves it. Undefined: unknown. */
  readonly refreshTokenExpiresAtMs: number | undefined;
  /** When the user's consent ends; no refresh moves it. Undefined: the stored value stays. */
  readonly refreshTokenAbsoluteExpiresAtMs: number | undefined;
  readonly extra: Readonly<Record<string, unknown>>;
  /** The key that the tokens are bound to. Undefined: none, or the stored one. */
  readonly dpopKey?: Secret<string> | undefined;
  /** When the last byte of the response was read. */
  readonly receivedAtMs: number;
}
