import type {
  Connection,
  ConnectionKey,
  ConnectionStatus,
  Failure,
  Lease,
  SealedTokenSet,
  TokenSet,
} from "../model/connection.ts";
import type { RefreshEvent } from "../model/events.ts";
import type { Secret } from "../model/secret.ts";
import type { ClientRegistration } from "./client-registration.ts";

/** Time. Durations and instants are milliseconds; instants count from the Unix epoch. */
export interface Clock {
  nowMs(): number;
  /** Resolves after the duration, or as soon as `signal` is aborted. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

/** The process that a call runs in may be ended; this says how long it has. */
export interface Invocation {
  remainingMs(): number;
}

/**
 * Where connections live. Every method rejects with {@link StoreUnavailable} when the store does not
 * answer, after its own deadline and retries; it may then have done what was asked, or not.
 */
export interface ConnectionStore {
  /** Strongly consistent. Undefined when absent, or when another workspace's. */
  read(key: ConnectionKey): Promise<Connection | undefined>;

  /** Reads and locks in one request. */
  acquireLease(request: LeaseRequest): Promise<Acquisition>;

  /** Stores a token set if `credentialsVersion` is still the one that was read; ends any lease, clears the failure. */
  commit(commit: TokenSetCommit): Promise<WriteResult>;

  /**
   * Records a failure if the lease is still the caller's and the version still the one that was read.
   * Ends the lease unless `keepLease`.
   */
  recordFailure(record: FailureRecord): Promise<WriteResult>;

  /** Ends the lease if it is still the caller's; does nothing otherwise. */
  releaseLease(key: ConnectionKey, leaseId: string): Promise<void>;

  /**
   * Moves a connection in the schedule, and says why, if it stands there as it was read: the version,
   * the time for which it was scheduled, and no live lease.
   */
  postpone(record: Postponement): Promise<WriteResult>;
}

export interface LeaseRequest extends ConnectionKey, Lease {
  readonly nowMs: number;
  /** The lease is declined when a token set was committed after this instant; undefined: whenever. */
  readonly refreshedBeforeMs: number | undefined;
}

export type Acquisition =
  | { readonly kind: "acquired"; readonly connection: Connection }
  /** Leased by another, refreshed a moment ago, inactive or expired: `connection` tells. */
  | { readonly kind: "declined"; readonly connection: Connection }
  | { readonly kind: "absent" };

/** Whether a conditional write was done; where not, what stands there now. */
export type WriteResult =
  | { readonly kind: "done" }
  | { readonly kind: "superseded"; readonly connection: Connection }
  | { readonly kind: "absent" };

export interface TokenSetCommit extends ConnectionKey {
  /** The version that was read; the commit makes it this plus one. */
  readonly expectedVersion: number;
  readonly credentials: SealedTokenSet;
  readonly expiresAtMs: number | undefined;
  /** Undefined: what is stored stays; likewise the absolute end. */
  readonly refreshTokenExpiresAtMs: number | undefined;
  readonly refreshTokenAbsoluteExpiresAtMs: number | undefined;
  readonly committedAtMs: number;
  /** Unless the owner has switched the connection since: what {@link statusAfterRefresh} keeps, stays. */
  readonly status: ConnectionStatus;
  readonly due: Due | undefined;
  /**
   * Undefined: the connection is well, and was refreshed. Of what comes late, by the rescue queue, it is
   * not known any more.
   */
  readonly failure?: Failure | undefined;
}

/** When the schedule takes the connection up, and in which shard of the index. */
export interface Due {
  readonly refreshAtMs: number;
  readonly refreshShard: number;
}

export interface FailureRecord extends ConnectionKey {
  readonly leaseId: string;
  readonly expectedVersion: number;
  readonly failure: Failure;
  /** Undefined: unchanged; so is a connection that was made `inactive` meanwhile. */
  readonly status: ConnectionStatus | undefined;
  readonly keepLease: boolean;
  readonly schedule: Rescheduling;
}

/** What becomes of a connection's place in the schedule. */
export type Rescheduling = Due | "unchanged" | "removed";

export interface Postponement extends ConnectionKey {
  readonly expectedVersion: number;
  /** As it was read. */
  readonly refreshAtMs: number;
  readonly nowMs: number;
  readonly schedule: Exclude<Rescheduling, "unchanged">;
  readonly failure: Failure;
}

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

/** Encryption of token sets, each bound to its workspace and connection. */
export interface TokenCipher {
  /**
   * Opens a token set and, with the same round trip, obtains the key for the next one: `seal` needs
   * no network, so that nothing but one write stands between a provider's answer and safety.
   * @throws {StoreUnavailable} the key service does not answer
   * @throws {UnreadableCredentials} not a token set of this connection
   */
  open(sealed: SealedTokenSet, key: ConnectionKey): Promise<OpenedTokenSet>;
  /** Seals a first token set. @throws {StoreUnavailable} */
  seal(tokens: TokenSet, key: ConnectionKey): Promise<SealedTokenSet>;
}

export interface OpenedTokenSet {
  readonly tokens: TokenSet;
  seal(tokens: TokenSet): Promise<SealedTokenSet>;
}

/** The ciphertext is damaged, or another connection's. */
export class UnreadableCredentials extends Error {
  constructor(reason: string, cause?: unknown) {
    super(`the stored credentials cannot be opened: ${reason}`, { cause });
    this.name = "UnreadableCredentials";
  }
}

/** Where a token set goes that could not be committed. Resolves when it is durable there. */
export interface RescueQueue {
  keep(commit: TokenSetCommit): Promise<void>;
}

/** Told of everything worth a log line or a metric. Must not throw. */
export interface Telemetry {
  emit(event: RefreshEvent): void;
}
