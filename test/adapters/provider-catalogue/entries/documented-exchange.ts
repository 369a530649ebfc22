type Json = Readonly<Record<string, unknown>>;

interface DocumentedResponse {
  readonly status: number;
  /** The text for a person. @default error_description */
  readonly words?: string;
  readonly response: Json;
}

/**
 * A refresh as the pages show it that the catalogue entry names. All values are made up. The connection has the tokens
 * `at-1` and `rt-1`, the client has the id `client` and the secret `s/2=`.
 */
export interface DocumentedExchange {
  /** Members of the client registration's secret. */
  readonly registration?: Json;
  /** The connection's `config`. */
  readonly config?: Readonly<Record<string, string>>;
  readonly sent: {
    /** @default POST */
    readonly method?: "GET";
    /** The whole URL with its variables filled, without the parameters. */
    readonly url: string;
    /**
     * Where the request holds the client's id and secret. `raw_basic`: in the header, not form-encoded first
     * (RFC 6749 §2.3.1); `none`: only the id, in the body; `unnamed`: neither.
     */
    readonly client: "basic" | "raw_basic" | "post" | "none" | "unnamed";
    /** @default form */
    readonly as?: "json" | "query";
    /** The parameters other than the client's. @default grant type and refresh token, RFC 6749 §6 */
    readonly parameters?: Readonly<Record<string, string>>;
  };
  /** The members of the response, beside the access token `at-2`. */
  readonly response: Json;
  /** The expected reading. @default the members of RFC 6749 §5.1, and nothing else */
  readonly understood?: {
    /** The lifetime where the response does not state it. */
    readonly defaultLifetimeSeconds?: number;
    /** The lifetime of the refresh token, from this refresh on. */
    readonly refreshLifetimeSeconds?: number;
    /** The same where the response does not state it. @default `refreshLifetimeSeconds`, unless this response states it */
    readonly defaultRefreshLifetimeSeconds?: number;
    /** The lifetime of the refresh token and all its successors. */
    readonly absoluteLifetimeSeconds?: number;
    readonly scope?: string;
    /** Members of the response that are kept unchanged. */
    readonly keeps?: readonly string[];
    readonly notes?: readonly string[];
  };
  /** The limits of the registration. @default none */
  readonly rules?: {
    readonly refreshTokenAbsoluteSeconds?: number;
    readonly minimumRefreshIntervalSeconds?: number;
    readonly maxPerMinute?: number;
  };
  /** @default status 400, invalid_grant: RFC 6749 §5.2 */
  readonly dead?: DocumentedResponse;
  /** @default status 429 */
  readonly limited?: DocumentedResponse & {
    /** The requests that the limit counts. @default unknown */
    readonly concerns?: "connection" | "integration";
  };
  /** @default status 401, invalid_client: RFC 6749 §5.2 */
  readonly rejected?: DocumentedResponse;
}
