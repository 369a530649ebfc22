import type { RegistrationName } from "../model/connection.ts";
import type { Secret } from "../model/secret.ts";
import type { ProviderOrigins } from "../model/token-binding.ts";

export const refreshPolicies = ["proactive", "keepalive", "on_demand"] as const;
export type RefreshPolicy = (typeof refreshPolicies)[number];

/** `token_endpoint_auth_method` of RFC 7591 §2, OpenID Connect Core 1.0 §9 and RFC 8705 §2. */
export const clientAuthenticationMethods = [
  "client_secret_basic",
  "client_secret_post",
  "client_secret_jwt",
  "private_key_jwt",
  "tls_client_auth",
  "self_signed_tls_client_auth",
  "none",
] as const;
export type ClientAuthenticationMethod = (typeof clientAuthenticationMethods)[number];

/**
 * `alg` of RFC 7518 §3.1 and RFC 8037 §3.1. `Ed25519` is the name that RFC 9864 gives to what servers
 * mostly still call `EdDSA`.
 */
export const signingAlgorithms = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** The algorithms for which this service makes a connection's key. */
export const dpopAlgorithms = ["ES256", "EdDSA", "Ed25519"] as const satisfies SigningAlgorithm[];
export type DpopAlgorithm = (typeof dpopAlgorithms)[number];

/** The key that signs `private_key_jwt` assertions. */
export interface SigningKey {
  readonly algorithm: SigningAlgorithm;
  /** `kid`. */
  readonly keyId: string | undefined;
  /** PKCS #8 in PEM. */
  readonly privateKey: Secret<string>;
}

/** The client's certificate in a TLS handshake, RFC 8705 §2. */
export interface TlsCredentials {
  /** PEM, the client's own certificate first. */
  readonly certificateChain: string;
  /** PKCS #8 in PEM. */
  readonly privateKey: Secret<string>;
  readonly validFromMs: number;
  readonly validToMs: number;
}

/** A client registration in the terms of RFC 7591, read from its secret. */
export interface ClientRegistration {
  readonly name: RegistrationName;
  /** Changes whenever the secret's content does. */
  readonly version: string;
  readonly clientId: string;
  readonly clientSecret: Secret<string> | undefined;
  readonly tokenEndpointAuthMethod: ClientAuthenticationMethod;
  /** The method was not stated, and the issuer's metadata may name another. @default false */
  readonly authMethodIsAssumed?: boolean;
  /** Present where the method is `private_key_jwt`. */
  readonly signingKey?: SigningKey | undefined;
  /** `aud` of the client's assertions. Undefined: the issuer where known, else the token endpoint. */
  readonly assertionAudience?: string | undefined;
  /** Used with any method: certificate-bound tokens (RFC 8705 §3) need them as well. */
  readonly tlsCredentials?: TlsCredentials | undefined;
  /** Present where tokens are bound to a key of the connection's own (DPoP, RFC 9449). */
  readonly dpopAlgorithm?: DpopAlgorithm | undefined;
  /** The authorization server's identifier, RFC 8414 §2. */
  readonly issuer?: string | undefined;
  /**
   * May hold variables, `{subdomain}`, that the connection's `config` fills. Undefined: the issuer's metadata
   * names it.
   */
  readonly tokenEndpoint: string | undefined;
  /** Present where the token endpoint is a provider's own, as the catalogue has it. No secret can add to them. */
  readonly providerOrigins?: ProviderOrigins | undefined;
  readonly refreshPolicy: RefreshPolicy;
  /** An unused refresh token ends after this long; each refresh starts the time anew. */
  readonly refreshTokenIdleSeconds: number | undefined;
  /** Refresh tokens end this long after the user's consent; no refresh moves it. */
  readonly refreshTokenAbsoluteSeconds: number | undefined;
  /** A refresh brings a new refresh token and ends the old one. Undefined: unknown, or a setting of the app. */
  readonly rotation?: RefreshTokenRotation | undefined;
  /** A used refresh token still works for this long. Undefined: unknown. */
  readonly rotationGraceSeconds?: number | undefined;
  /** A connection is not refreshed again sooner. */
  readonly minimumRefreshIntervalSeconds: number | undefined;
  /** The most token requests of this registration at a time. */
  readonly maxConcurrent: number | undefined;
  /** The most token requests of this registration in any minute. */
  readonly maxPerMinute: number | undefined;
  /** The provider has no refresh tokens: the access token is exchanged for the next one. */
  readonly renewsWithAccessToken: boolean;
  readonly provider: ProviderTraits;
}

export type RefreshTokenRotation = "always" | "sometimes" | "never";

declare const providerTraits: unique symbol;
/** How the provider departs from RFC 6749. Opaque to the domain: the token endpoint's adapter reads it. */
export interface ProviderTraits {
  readonly [providerTraits]?: never;
}

export interface ClientRegistry {
  /**
   * @param maxAgeMs a cached registration may be this old; default: the registry's own maximum age
   * @throws {MisconfiguredRegistration} absent or invalid
   * @throws {StoreUnavailable}
   */
  registration(name: RegistrationName, maxAgeMs?: number): Promise<ClientRegistration>;
}
