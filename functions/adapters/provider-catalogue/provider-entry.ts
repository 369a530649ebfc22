import type { ClientAuthenticationMethod } from "../../domain/ports/client-registration.ts";

/**
 * How a provider departs from RFC 6749, as data. Every field is optional and defaults to the RFC, so that a server
 * that conforms to it needs none. The secret of a client registration can replace a field as a whole, under its name in
 * snake_case: adapters/provider-catalogue/provider-fields.ts.
 *
 * To add a provider, write an entry into the file of its first letter in adapters/provider-catalogue/entries/, in
 * alphabetical order. Each fact comes from the vendor's page that `source` names; a fact that no page states is left
 * out. CONTRIBUTING.md names the test for it.
 */
export interface ProviderBehaviour extends Endpoint, Request, Response, Lifecycle {}

/** An entry of the catalogue. */
export interface ProviderEntry extends ProviderBehaviour {
  /** The name that people know: `Google`, `Zoho`. */
  readonly title: string;
  /** Where codes and refresh tokens are exchanged. It may hold variables, `{subdomain}`: `variables`. */
  readonly tokenEndpoint: HttpsUrl;
  /**
   * Further origins of the provider's token endpoints, such as a host that it had before. Tokens move among a
   * provider's origins, and to no other without `integrations rebind`. The choices of the endpoint's variables count
   * among them by themselves. A secret cannot replace the field. @default none
   */
  readonly origins?: readonly HttpsUrl[];
  /**
   * A domain of the provider's own, `provider.example`, below which it runs the token endpoint of every tenant
   * itself, so that no tenant sees what is sent there. Tokens then move from one host below it to another, as when a
   * tenant is renamed. A secret cannot replace the field. @default none
   */
  readonly originsBelow?: string;
  /** The vendor's pages that state the facts, the one about refreshing first. */
  readonly source: readonly [HttpsUrl, ...HttpsUrl[]];
  /**
   * Where the main facts (endpoint, rotation, lifetimes) come from: `vendor`, the vendor's own pages; `secondary`, at
   * least one comes from elsewhere, and `note` says which.
   */
  readonly verified: "vendor" | "secondary";
  /** Advice for a person who connects to the provider, such as a setting of the app or a scope to request. */
  readonly note?: string;
}

export type HttpsUrl = `https://${string}`;

/** The names of members on the way to a value, between dots. A number is an index: `authed_user`, `errors.0.errorType`. */
export type MemberPath = string;

interface Endpoint {
  /** Where refresh tokens are exchanged, if not where codes are. @default `tokenEndpoint` */
  readonly refreshEndpoint?: HttpsUrl;
  /** The variables of the endpoints, by name. Each is used. @default none */
  readonly variables?: Readonly<Record<string, UrlVariable>>;
}

/**
 * The values that a variable of an endpoint may have. The value comes from the connection's `config`, else from the
 * `config` of the client registration, else it is `default`.
 */
export type UrlVariable = VariableChoice | VariablePattern;

/** One of a few values, which may stand anywhere in the URL and may hold dots: `com`, `co.uk`. */
export interface VariableChoice {
  readonly choices: readonly [string, ...string[]];
  /** One of the choices. @default none: a value is required */
  readonly default?: string;
}

export interface VariablePattern {
  /**
   * A {@link linearPattern}, `^…$`. Whatever it admits, the value of a connection is a whole label of the host,
   * before at least two literal labels, or a whole segment of the path.
   */
  readonly pattern: string;
  /** A value that fits, for people and tests: `acme`. */
  readonly example: string;
  /**
   * `integration`: only the `config` of the client registration sets it, because the value decides which host is sent
   * the client's secret. The value may then be a whole host, `gitlab.example.com`.
   * @default `connection`
   */
  readonly setBy?: "connection" | "integration";
  /** @default none: a value is required */
  readonly default?: string;
}

interface Request {
  /** With GET, all parameters are in the query. @default POST */
  readonly method?: "GET" | "POST";
  /** How the parameters are sent. @default form */
  readonly parametersIn?: "form" | "json" | "query";
  /** `grant_type`. @default refresh_token */
  readonly grantType?: string;
  /**
   * The token that is exchanged for a new one. `access_token`: the provider has no refresh tokens, and takes an access
   * token that has not expired. @default refresh_token
   */
  readonly renewsWith?: "refresh_token" | "access_token";
  /** The parameter that holds that token. @default refresh_token */
  readonly tokenParameter?: string;
  /** @default client_id */
  readonly clientIdParameter?: string;
  /** The parameter of `client_secret_post` that holds the secret. @default client_secret */
  readonly clientSecretParameter?: string;
  /**
   * Parameters to add or to replace, by their names on the wire. They are set after all others, and null removes one.
   * @default none
   */
  readonly parameters?: Readonly<Record<string, ParameterValue>>;
  /**
   * Headers to add or to replace, other than those of the message itself (`Host`, `Content-Type`, …) and
   * `Authorization`. @default none
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** The registration's `token_endpoint_auth_method`. @default client_secret_basic, none without a secret */
  readonly tokenEndpointAuthMethod?: ClientAuthenticationMethod;
  /**
   * The encoding of id and secret in the Basic header. `raw`: none, for servers that do not decode them.
   * @default form, RFC 6749 §2.3.1
   */
  readonly basicCredentials?: "form" | "raw";
}

/**
 * A value that is sent, or the name of one. A named value comes from the connection's `config`, else from the client
 * registration: from its member of that name (`redirect_uri`, `scope`, `resource`, `audience`, `tenant`) or from its
 * `config`. A parameter without a value is not sent, unless it is `required`.
 */
export type ParameterValue =
  | string
  | number
  | boolean
  | null
  | { readonly from: string; readonly required?: boolean };

/** Tokens at the places of RFC 6749 §5.1 are always found, whatever these fields say. */
interface Response {
  /**
   * The object that holds the token set, where a response has several (`authed_user`). The other members of the
   * response are kept in `extra`, encrypted, under the provider's names; another token set at the top is kept as
   * `other_tokens`. @default the response itself
   */
  readonly tokensAt?: MemberPath;
  /** @default access_token */
  readonly accessTokenMember?: string;
  /** @default refresh_token */
  readonly refreshTokenMember?: string;
  /** The member beside the tokens that holds the scopes, such as `scopes`. @default scope */
  readonly scopeMember?: string;
  /** The separator of scopes in a string. A list is understood as well. @default space */
  readonly scopeSeparator?: "space" | "comma";
  /** Where the response states the end of the access token. @default `expires_in` or `expires_at`, in any form */
  readonly accessTokenEnd?: TokenEnd;
  /** Where the response states the end of the refresh token. @default the names in adapters/token-endpoint/response/token-lifetimes.ts */
  readonly refreshTokenEnd?: TokenEnd;
  /** The statuses of a successful response. Another 2xx is a success as well, and is noted. @default 200 */
  readonly successStatuses?: readonly number[];
  /** A member, and its value that means failure whatever the status. @default none */
  readonly failureFlag?: { readonly at: MemberPath; readonly is: string | number | boolean };
  /** Where a response states the code of an error. @default error */
  readonly errorAt?: MemberPath;
  /** Where a response describes an error. @default error_description */
  readonly errorTextAt?: MemberPath;
  /**
   * The meanings of errors. The first rule that matches applies, before those of RFC 6749 §5.2.
   * @default none
   */
  readonly errors?: readonly ErrorRule[];
}

/** The member that holds the end of a token, and its form. */
export type TokenEnd =
  /** The lifetime from the response on; a number, or a string that is one. */
  | { readonly as: "seconds" | "milliseconds"; readonly member: string }
  /** An instant. */
  | {
      readonly as: "epoch_seconds" | "epoch_milliseconds" | "iso_8601";
      readonly member: string;
    }
  /** The claim `exp` of the token, which is a JWT (RFC 7519 §4.1.4). */
  | { readonly as: "jwt_exp" }
  /** The response does not state it, or states it wrongly: `accessTokenLifetimeSeconds` applies. */
  | { readonly as: "fixed" }
  /** The token does not end. */
  | { readonly as: "never" };

/** All stated conditions have to hold. `dead` needs the provider's own word: a status alone never ends a connection. */
export type ErrorRule = DeadRule | OtherRule;

export interface ErrorConditions {
  /** One of these statuses. @default any but 5xx */
  readonly status?: readonly [number, ...number[]];
  /** The whole code of the error. A number is compared as its digits. */
  readonly error?: string;
  /** A part of the error's description, or of a response that is plain text. Case does not matter. */
  readonly text?: string;
  /** A {@link linearPattern} that is found in the error's description. Case does not matter. */
  readonly textPattern?: string;
}

export type AnyOf<Conditions, Names extends keyof Conditions> = {
  [Name in Names]: Required<Pick<Conditions, Name>>;
}[Names];

/** The refresh token is dead: the user has to connect again. */
export type DeadRule = ErrorConditions &
  AnyOf<ErrorConditions, "error" | "text" | "textPattern"> & { readonly means: "dead" };

export type OtherRule = ErrorConditions &
  AnyOf<ErrorConditions, keyof ErrorConditions> & {
    /**
     * `transient`: the vendor says that nothing was granted, so that the token can be sent again at once.
     * `rate_limited`: too many requests, and nothing was granted.
     * `client_rejected`: the client registration is at fault, not the connection.
     */
    readonly means: "transient" | "rate_limited" | "client_rejected";
    /** How long to wait where the response does not say. Not used with `client_rejected`. */
    readonly retryAfterSeconds?: number;
    /**
     * The connections that wait. `connection`: this one alone, for a provider that limits a single refresh token, or a
     * customer. `integration`, of `rate_limited`: all connections of the same origin, at once. Not used with
     * `client_rejected`. @default `rateLimitConcerns`, or else all of them once others show the same
     */
    readonly concerns?: "connection" | "integration";
  };

interface Lifecycle {
  /**
   * How often a refresh issues a new refresh token and ends the former one. `setting`: the app or the tenant
   * decides. The value decides how an attempt with an unknown outcome is followed up; each response is read for itself.
   * @default unknown
   */
  readonly rotation?: "always" | "sometimes" | "never" | "setting";
  /** How long a replaced refresh token still works. @default unknown */
  readonly rotationGraceSeconds?: number;
  /** An unused refresh token ends after this long; each refresh starts the time anew. @default unknown */
  readonly refreshTokenIdleSeconds?: number;
  /** All refresh tokens end this long after the user's consent; no refresh moves it. @default unknown */
  readonly refreshTokenAbsoluteSeconds?: number;
  /** The lifetime of an access token where the response does not state it. @default unknown */
  readonly accessTokenLifetimeSeconds?: number;
  /** A connection is not refreshed again sooner. @default 0 */
  readonly minimumRefreshIntervalSeconds?: number;
  /**
   * The token requests that the provider's own rate limit counts. `integration`: those of the client, and one response
   * with status 429 holds all connections of its origin. `connection`: those of one refresh token or one user.
   * @default unknown, and a second connection shows it
   */
  readonly rateLimitConcerns?: "connection" | "integration";
  /** The most token requests of one integration in any minute. @default no limit */
  readonly maxPerMinute?: number;
  /** The most token requests of one integration at a time. @default no limit */
  readonly maxConcurrent?: number;
}
