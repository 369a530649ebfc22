import type {
  Connection,
  ConnectionId,
  ConnectionKey,
  ConnectionStatus,
  Failure,
  Lease,
  RegistrationName,
  SealedTokenSet,
  TokenSet,
} from "./connection.ts";
import type { RefreshEvent } from "./events.ts";
import type { Secret } from "./secret.ts";

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
  commit(commit: TokenSetCommit): Promise<Fenced>;

  /**
   * Records a failure if the lease is still the caller's and the version still the one that was read.
   * Ends the lease unless `keepLease`.
   */
  recordFailure(record: FailureRecord): Promise<Fenced>;

  /** Ends the lease if it is still the caller's; does nothing otherwise. */
  releaseLease(key: ConnectionKey, leaseId: string): Promise<void>;

  /**
   * Moves a connection in the schedule, and says why, if it stands there as it was read: the version,
   * the time for which it was scheduled, and no live lease.
   */
  putOff(record: PutOff): Promise<Fenced>;
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
export type Fenced =
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

export interface PutOff extends ConnectionKey {
  readonly expectedVersion: number;
  /** As it was read. */
  readonly refreshAtMs: number;
  readonly nowMs: number;
  readonly schedule: Exclude<Rescheduling, "unchanged">;
  readonly failure: Failure;
}

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

/** What the key of a connection is made for, where it has none. */
export const dpopAlgorithms = ["ES256", "EdDSA", "Ed25519"] as const satisfies SigningAlgorithm[];
export type DpopAlgorithm = (typeof dpopAlgorithms)[number];

/** What `private_key_jwt` signs with. */
export interface SigningKey {
  readonly algorithm: SigningAlgorithm;
  /** `kid`. */
  readonly keyId: string | undefined;
  /** PKCS #8 in PEM. */
  readonly privateKey: Secret<string>;
}

/** What the client shows of itself in a TLS handshake, RFC 8705 §2. */
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
  /** There is one where the method is `private_key_jwt`. */
  readonly signingKey?: SigningKey | undefined;
  /** `aud` of the client's assertions. Undefined: the issuer where known, else the token endpoint. */
  readonly assertionAudience?: string | undefined;
  /** Shown whatever the method: certificate-bound tokens (RFC 8705 §3) need them beside any. */
  readonly tlsCredentials?: TlsCredentials | undefined;
  /** There is one where tokens are to be bound to a key of the connection's own (DPoP, RFC 9449). */
  readonly dpopAlgorithm?: DpopAlgorithm | undefined;
  /** The authorization server's identifier, RFC 8414 §2. */
  readonly issuer?: string | undefined;
  /**
   * May hold variables, `{subdomain}`, that the connection's `config` fills. Undefined: the one of the
   * issuer's metadata.
   */
  readonly tokenEndpoint: string | undefined;
  readonly refreshPolicy: RefreshPolicy;
  /** An unused refresh token ends after this; each refresh begins it anew. */
  readonly refreshTokenIdleSeconds: number | undefined;
  /** Refresh tokens end this long after the user's consent; no refresh moves it. */
  readonly refreshTokenAbsoluteSeconds: number | undefined;
  /** A connection is not refreshed again sooner. */
  readonly minimumRefreshIntervalSeconds: number | undefined;
  /** Requests of this registration at a time. */
  readonly maxConcurrent: number | undefined;
  /** Requests of this registration in any minute. */
  readonly maxPerMinute: number | undefined;
  /** The provider has no refresh tokens: the access token is exchanged for the next one. */
  readonly renewsWithAccessToken: boolean;
  readonly provider: ProviderTraits;
}

declare const providerTraits: unique symbol;
/** How the provider departs from RFC 6749. The grant's own: nothing in it is for the domain. */
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

/** RFC 6749 §6. Never rejects because of what a provider does. */
export interface TokenGrant {
  refresh(request: GrantRequest): Promise<GrantAnswer>;
}

export interface GrantRequest {
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

export type GrantAnswer =
  /** Tokens came. `notes`: what was odd about the rest of the answer, in words without content. */
  | { readonly kind: "granted"; readonly tokens: GrantedTokens; readonly notes: readonly string[] }
  /** `invalid_grant`: the refresh token is dead, says the provider. */
  | ({ readonly kind: "refused" } & ProviderWords)
  /** `invalid_client`, `unauthorized_client`. */
  | ({ readonly kind: "client_rejected" } & ProviderWords)
  /** 429: definite, nothing was granted. */
  | { readonly kind: "rate_limited"; readonly retryAfterMs: number | undefined }
  /** Definite, nothing was granted: host not found, connection refused, TLS, 503. */
  | {
      readonly kind: "unavailable";
      readonly reason: string;
      readonly retryAfterMs: number | undefined;
    }
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

/**
 * Integrations that are in trouble, and not asked until a stated time: known to every process within
 * seconds. `untilMs` tells one hold from the next, so that what is decided on one does not touch another.
 */
export interface IntegrationHolds {
  /** May be some seconds old; one whose time has come is told, too. Never rejects: without an answer, none. */
  current(name: RegistrationName): Promise<IntegrationHold | undefined>;
  /** Places a hold where `previous`, or none, is. Where another was placed meanwhile, that one stays. */
  place(
    name: RegistrationName,
    hold: IntegrationHold,
    previous: IntegrationHold | undefined,
  ): Promise<void>;
  /**
   * A hold whose time has come lets one caller through, and lasts for all others until `probeUntilMs`.
   * @returns the hold as the one who may try has to name it; undefined for everybody else
   */
  probe(
    name: RegistrationName,
    hold: IntegrationHold,
    probeUntilMs: number,
  ): Promise<IntegrationHold | undefined>;
  lift(name: RegistrationName, hold: IntegrationHold): Promise<void>;
}

export const holdReasons = ["client_rejected", "rate_limited", "provider_failing"] as const;
export type HoldReason = (typeof holdReasons)[number];

export interface IntegrationHold {
  readonly reason: HoldReason;
  /** Of the run of holds that this one is the last of. */
  readonly beganAtMs: number;
  readonly untilMs: number;
  /** Holds in a row, this one included. */
  readonly count: number;
  /** The registration that was used; a changed secret ends the hold of a rejected client at once. */
  readonly registrationVersion: string;
}

/** How often a provider may be asked on behalf of one client registration, by all processes together. */
export interface IntegrationLimits {
  /** @throws {StoreUnavailable} */
  acquire(request: PermitRequest): Promise<Permit>;
  /** Never rejects: a permit that is not given back ends by itself. */
  release(name: RegistrationName, permitId: string): Promise<void>;
}

export interface PermitRequest {
  readonly name: RegistrationName;
  readonly permitId: string;
  /** Grants at a time; undefined: any number. */
  readonly maxConcurrent: number | undefined;
  /** Grants begun in any one minute; undefined: any number. */
  readonly maxPerMinute: number | undefined;
  readonly nowMs: number;
  /** When the permit ends by itself. */
  readonly expiresAtMs: number;
}

export type Permit =
  | { readonly kind: "granted" }
  /** `retryAtMs`: when there may be room. */
  | { readonly kind: "busy"; readonly retryAtMs: number };

/** A connection that the index says is due, as far as the index knows it. */
export interface DueConnection extends ConnectionKey {
  readonly integration: string;
  /** As the index has it: a message for another time is out of date. */
  readonly refreshAtMs: number;
}

/** Where the sweep puts what is due, for workers. A hint that may be lost or delivered twice: the index is the truth. */
export interface RefreshQueue {
  /** @returns those that the queue did not take, after retries. @throws {StoreUnavailable} */
  enqueue(due: readonly DueConnection[]): Promise<readonly DueConnection[]>;
  /** Messages that wait, are delayed or are being worked on; approximate. @throws {StoreUnavailable} */
  depth(): Promise<number>;
}

/** Connections by the time at which they are due. Eventually consistent. */
export interface DueIndex {
  /** In the order of time. @throws {StoreUnavailable} */
  page(request: DuePageRequest): Promise<DuePage>;
  /** How many are due up to an instant. @throws {StoreUnavailable} */
  count(refreshShard: number, throughMs: number): Promise<number>;
}

export interface DuePageRequest {
  readonly refreshShard: number;
  /** Exclusive; undefined: from the beginning. */
  readonly after: SweepPosition | undefined;
  /** Inclusive. */
  readonly throughMs: number;
  readonly limit: number;
}

export interface DuePage {
  readonly due: readonly DueConnection[];
  /** Undefined: there is no more up to `throughMs`. */
  readonly next: SweepPosition | undefined;
}

/** How far a shard has been swept: everything before, and of that second up to the connection. */
export interface SweepPosition {
  /** A whole second. */
  readonly refreshAtMs: number;
  /** Undefined: the whole of that second. */
  readonly connectionId: ConnectionId | undefined;
}

/** How far each shard of the due index has been swept, and who sweeps it now. */
export interface SweepPositions {
  /**
   * Undefined: somebody else sweeps the shard.
   * @throws {StoreUnavailable}
   */
  claim(refreshShard: number, lease: Lease, nowMs: number): Promise<ClaimedShard | undefined>;
  /** False: the claim has been lost. @throws {StoreUnavailable} */
  advance(refreshShard: number, leaseId: string, position: SweepPosition): Promise<boolean>;
  /** Ends the claim, if it still stands, at the position that was reached. @throws {StoreUnavailable} */
  release(
    refreshShard: number,
    leaseId: string,
    position: SweepPosition | undefined,
  ): Promise<void>;
  /** How far the shard has been swept. @throws {StoreUnavailable} */
  position(refreshShard: number): Promise<SweepPosition | undefined>;
  /** True for one caller in every `intervalMs`. @throws {StoreUnavailable} */
  claimCatchUp(nowMs: number, intervalMs: number): Promise<boolean>;
}

export interface ClaimedShard {
  readonly position: SweepPosition | undefined;
}

/** Told of everything worth a log line or a metric. Must not throw. */
export interface Journal {
  record(event: RefreshEvent): void;
}
