type Json = Readonly<Record<string, unknown>>;

interface Answered {
  readonly status: number;
  /** What a person is told of it. @default error_description */
  readonly words?: string;
  readonly answer: Json;
}

/**
 * A refresh in the shape that the pages show which the catalogue's entry names; all values are made up.
 * The connection has `at-1` and `rt-1`, the client the id `client` and the secret `s/2=`.
 */
export interface DocumentedExchange {
  /** Of the client registration's secret. */
  readonly registration?: Json;
  /** Of the connection. */
  readonly config?: Readonly<Record<string, string>>;
  readonly sent: {
    /** @default POST */
    readonly method?: "GET";
    /** The whole of it, variables filled, without the parameters. */
    readonly url: string;
    /**
     * Where the client's id and secret stand. `raw_basic`: in the header as they are, not form-encoded
     * first (RFC 6749 §2.3.1); `none`: the id alone, in the body; `unnamed`: neither.
     */
    readonly client: "basic" | "raw_basic" | "post" | "none" | "unnamed";
    /** @default form */
    readonly as?: "json" | "query";
    /** All but those of the client. @default grant type and refresh token as RFC 6749 §6 has them */
    readonly parameters?: Readonly<Record<string, string>>;
  };
  /** What a refresh brings, beside the access token `at-2`. */
  readonly answer: Json;
  /** @default what the answer says, in the words of RFC 6749 §5.1, and nothing else */
  readonly understood?: {
    /** Where the answer does not say. */
    readonly defaultLifetimeSeconds?: number;
    /** Of the refresh token, from this refresh on. */
    readonly refreshLifetimeSeconds?: number;
    /** The same where the answer does not say. @default that, unless the answer says it here */
    readonly defaultRefreshLifetimeSeconds?: number;
    /** Of the refresh token and all its successors. */
    readonly absoluteLifetimeSeconds?: number;
    readonly scope?: string;
    /** Members of the answer that are kept as they stand. */
    readonly keeps?: readonly string[];
    readonly notes?: readonly string[];
  };
  /** What the registration is held to. @default nothing */
  readonly rules?: {
    readonly refreshTokenAbsoluteSeconds?: number;
    readonly minimumRefreshIntervalSeconds?: number;
    readonly maxPerMinute?: number;
  };
  /** @default status 400, invalid_grant: RFC 6749 §5.2 */
  readonly dead?: Answered;
  /** @default status 429 */
  readonly limited?: Answered & {
    /** The requests that the limit counts. @default unknown */
    readonly concerns?: "connection" | "integration";
  };
  /** @default status 401, invalid_client: RFC 6749 §5.2 */
  readonly rejected?: Answered;
}
