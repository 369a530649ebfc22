import type { ClientAuthenticationMethod } from "../../domain/ports/client-registration.ts";

/**
 * How a provider departs from RFC 6749, as data. Every field is optional: what is left out is what the
 * RFC has, and a server that conforms to it needs none. A field of an entry can be replaced, as a whole,
 * by the client registration's secret, under its name in snake_case: adapters/provider-catalogue/provider-fields.ts.
 *
 * To add a provider, write an entry into the file of its first letter in adapters/provider-catalogue/entries/, in
 * alphabetical order, each fact from the vendor's page that `source` names. What no page says is left
 * out. CONTRIBUTING.md says which test goes with it.
 */
export interface ProviderBehaviour extends Endpoint, Request, Answer, Lifecycle {}

/** An entry of the catalogue. */
export interface ProviderEntry extends ProviderBehaviour {
  /** As people know it: `Google`, `Zoho`. */
  readonly title: string;
  /** Where codes and refresh tokens are exchanged; may hold variables, `{subdomain}`, of `variables`. */
  readonly tokenEndpoint: HttpsUrl;
  /** The vendor's pages that the facts were read on, the one on refreshing first. */
  readonly source: readonly [HttpsUrl, ...HttpsUrl[]];
  /**
   * How the main facts (endpoint, rotation, lifetimes) were read: `vendor` on the vendor's own pages,
   * `secondary` at least in part elsewhere; `note` says which.
   */
  readonly verified: "vendor" | "secondary";
  /** What a person has to know who connects to it: a setting of the app, a scope to be asked for. */
  readonly note?: string;
}

export type HttpsUrl = `https://${string}`;

/** Members on the way to a value, between dots; a number is an index: `authed_user`, `errors.0.errorType`. */
export type MemberPath = string;

interface Endpoint {
  /** Where refresh tokens are exchanged, if elsewhere than codes. @default `tokenEndpoint` */
  readonly refreshEndpoint?: HttpsUrl;
  /** The variables of the endpoints, by name; each is in use. @default none */
  readonly variables?: Readonly<Record<string, UrlVariable>>;
}

/**
 * What may stand for a variable of an endpoint. The connection's `config` fills it, or else the `config`
 * of the client registration, or else `default`.
 */
export type UrlVariable = VariableChoice | VariablePattern;

/** One of a few values, which may stand anywhere in the URL and hold dots: `com`, `co.uk`. */
export interface VariableChoice {
  readonly choices: readonly [string, ...string[]];
  /** One of the choices. @default none: has to be filled */
  readonly default?: string;
}

export interface VariablePattern {
  /**
   * Source of a regular expression, `^…$`. Filled by a connection, a value is a whole label of the
   * host, before at least two literal ones, or a whole segment of the path, whatever the pattern says.
   */
  readonly pattern: string;
  /** A value that fits, for people and tests: `acme`. */
  readonly example: string;
  /**
   * `integration`: the client registration's `config` alone fills it, for whoever chooses it chooses
   * who is sent the client's secret. Its value may then be a whole host, `gitlab.example.com`.
   * @default `connection`
   */
  readonly setBy?: "connection" | "integration";
  /** @default none: has to be filled */
  readonly default?: string;
}

interface Request {
  /** With GET all parameters are in the query. @default POST */
  readonly method?: "GET" | "POST";
  /** How the parameters are sent. @default form */
  readonly parametersIn?: "form" | "json" | "query";
  /** `grant_type`. @default refresh_token */
  readonly grantType?: string;
  /**
   * Which token is exchanged for a new one. `access_token`: a provider without refresh tokens renews the
   * access token by itself, while it still lives. @default refresh_token
   */
  readonly renewsWith?: "refresh_token" | "access_token";
  /** The parameter that holds that token. @default refresh_token */
  readonly tokenParameter?: string;
  /** @default client_id */
  readonly clientIdParameter?: string;
  /** Of `client_secret_post`. @default client_secret */
  readonly clientSecretParameter?: string;
  /**
   * Parameters to add or to replace, by their names on the wire, after all others are in place; null
   * leaves one out. @default none
   */
  readonly parameters?: Readonly<Record<string, ParameterValue>>;
  /**
   * Headers to add or to replace, never those of the message itself (`Host`, `Content-Type`, …) nor
   * `Authorization`. @default none
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** The registration's `token_endpoint_auth_method`. @default client_secret_basic, none without a secret */
  readonly tokenEndpointAuthMethod?: ClientAuthenticationMethod;
  /**
   * How id and secret are written into the Basic header. `raw`: as they are, for servers that do not
   * decode them. @default form, RFC 6749 §2.3.1
   */
  readonly basicCredentials?: "form" | "raw";
}

/**
 * A value as it is sent, or the name of one that the connection's `config` states, or else the client
 * registration as a member of that name (`redirect_uri`, `scope`, `resource`, `audience`, `tenant`) or
 * of its `config`. Without `required` a parameter whose value nobody states is not sent.
 */
export type ParameterValue =
  | string
  | number
  | boolean
  | null
  | { readonly from: string; readonly required?: boolean };

/** Whatever these say: tokens that stand at the RFC's places are taken. */
interface Answer {
  /**
   * The object that holds the token set, of which an answer may have several (`authed_user`). What else
   * the answer holds is kept in `extra`, encrypted, under the provider's names; another token set at
   * the top as `other_tokens`. @default the answer itself
   */
  readonly tokensAt?: MemberPath;
  /** @default access_token */
  readonly accessTokenMember?: string;
  /** @default refresh_token */
  readonly refreshTokenMember?: string;
  /** Beside the tokens: `scopes`. @default scope */
  readonly scopeMember?: string;
  /** Between scopes in a string; a list is understood whatever this says. @default space */
  readonly scopeSeparator?: "space" | "comma";
  /** How the end of the access token is told. @default `expires_in` or `expires_at`, whatever their form */
  readonly accessTokenEnd?: TokenEnd;
  /** How the end of the refresh token is told. @default the names in adapters/token-endpoint/response/token-lifetimes.ts */
  readonly refreshTokenEnd?: TokenEnd;
  /** Statuses that success comes with, and that are not odd. @default 200 */
  readonly successStatuses?: readonly number[];
  /** The member and its value that mean failure, whatever the status. @default none */
  readonly failureFlag?: { readonly at: MemberPath; readonly is: string | number | boolean };
  /** The code of an error. @default error */
  readonly errorAt?: MemberPath;
  /** The words of an error. @default error_description */
  readonly errorTextAt?: MemberPath;
  /**
   * What errors mean. The first rule that fits counts, before the meanings of RFC 6749 §5.2.
   * @default none
   */
  readonly errors?: readonly ErrorRule[];
}

/** Where the end of a token stands, and as what. */
export type TokenEnd =
  /** The time that it lives, counted from the answer; a number, or a string that is one. */
  | { readonly as: "seconds" | "milliseconds"; readonly member: string }
  /** An instant. */
  | {
      readonly as: "epoch_seconds" | "epoch_milliseconds" | "iso_8601";
      readonly member: string;
    }
  /** `exp` of the token, which is a JWT (RFC 7519 §4.1.4). */
  | { readonly as: "jwt_exp" }
  /** The answer does not say, or is not to be believed: `accessTokenLifetimeSeconds` counts. */
  | { readonly as: "fixed" }
  /** There is none. */
  | { readonly as: "never" };

/** All conditions that are stated have to hold. What is not the provider's word kills nothing: `dead` needs one. */
export type ErrorRule = DeadRule | OtherRule;

export interface ErrorConditions {
  /** One of these statuses. Without it a rule fits any status but 5xx. */
  readonly status?: readonly [number, ...number[]];
  /** The error's code, whole; a number is compared as its digits. */
  readonly error?: string;
  /** In the error's words, or in an answer that is one plain sentence; upper and lower case alike. */
  readonly text?: string;
  /** Source of a regular expression that fits the error's words, upper and lower case alike. */
  readonly textPattern?: string;
}

export type AnyOf<Conditions, Names extends keyof Conditions> = {
  [Name in Names]: Required<Pick<Conditions, Name>>;
}[Names];

/** The refresh token is dead: the user has to authorize again. */
export type DeadRule = ErrorConditions &
  AnyOf<ErrorConditions, "error" | "text" | "textPattern"> & { readonly means: "dead" };

export type OtherRule = ErrorConditions &
  AnyOf<ErrorConditions, keyof ErrorConditions> & {
    /**
     * `transient`: nothing was granted, says the vendor, so that the token can be sent again at once.
     * `rate_limited`: too many requests, and nothing was granted.
     * `client_rejected`: the client registration is at fault, not the connection.
     */
    readonly means: "transient" | "rate_limited" | "client_rejected";
    /** How long to wait where the answer does not say; not of `client_rejected`. */
    readonly retryAfterSeconds?: number;
    /**
     * Who has to wait; not of `client_rejected`. `connection`: others of the integration are refreshed
     * meanwhile, as where one refresh token has a rate of its own, or one customer a rule.
     * @default integration
     */
    readonly concerns?: "connection" | "integration";
  };

interface Lifecycle {
  /**
   * Whether a refresh brings a new refresh token and ends the old one. `setting`: the app or the tenant
   * decides. Told to people; every answer is read for itself. @default unknown
   */
  readonly rotation?: "always" | "sometimes" | "never" | "setting";
  /** How long a used refresh token still works. @default unknown */
  readonly rotationGraceSeconds?: number;
  /** An unused refresh token ends after this; each refresh begins it anew. @default unknown */
  readonly refreshTokenIdleSeconds?: number;
  /** All refresh tokens end this long after the user's consent; no refresh moves it. @default unknown */
  readonly refreshTokenAbsoluteSeconds?: number;
  /** How long an access token lives of which the answer does not say it. @default unknown */
  readonly accessTokenLifetimeSeconds?: number;
  /** A connection is not refreshed again sooner. @default 0 */
  readonly minimumRefreshIntervalSeconds?: number;
  /** Requests of one integration in any minute. @default no limit */
  readonly maxPerMinute?: number;
  /** Requests of one integration at a time. @default no limit */
  readonly maxConcurrent?: number;
}
