import type { FailureCode } from "./errors.ts";
import type { Secret } from "./secret.ts";

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** 1 to 128 characters of `A-Z a-z 0-9 _ -`. */
export type ConnectionId = Branded<"ConnectionId">;
/** 1 to 128 characters of `A-Z a-z 0-9 _ -`. */
export type WorkspaceId = Branded<"WorkspaceId">;
/** Name of a client registration's secret, below the deployment's prefix, e.g. `integrations/acme`. */
export type RegistrationName = Branded<"RegistrationName">;
/**
 * A token set, encrypted: a JWE (RFC 7516), compact or packed (adapters/kms/packed-jwe.ts). Safe to store and to log.
 */
export type SealedTokenSet = Branded<"SealedTokenSet">;

/** The five parts of a compact JWE; or a packed one, whose header follows its first three bytes. Both are base64url. */
export const sealedTokenSetPattern =
  /^(?:[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+|Ag[\w-]{2}eyJ[\w-]+)$/;

export const identifierPattern = /^[A-Za-z0-9_-]{1,128}$/;
const registrationNamePattern = /^[A-Za-z0-9_-]{1,128}(?:\/[A-Za-z0-9_-]{1,128}){0,3}$/;

export const isConnectionId = (value: unknown): value is ConnectionId =>
  typeof value === "string" && identifierPattern.test(value);

export const isWorkspaceId = (value: unknown): value is WorkspaceId =>
  typeof value === "string" && identifierPattern.test(value);

export const isRegistrationName = (value: unknown): value is RegistrationName =>
  typeof value === "string" && registrationNamePattern.test(value);

export const connectionStatuses = ["active", "inactive", "testing", "error", "expired"] as const;

/**
 * `expired`: the provider refused the refresh token, and the user has to connect again. `error`: the tokens
 * may be alive, but an operator has to look. `inactive`: the owner has switched the connection off.
 */
export type ConnectionStatus = (typeof connectionStatuses)[number];

/** A connection that refreshes is active again; `inactive` and `testing` are set by its owner, and stay. */
export const statusAfterRefresh = (status: ConnectionStatus): ConnectionStatus =>
  status === "inactive" || status === "testing" ? status : "active";

/** Names a connection. Every access to the store names both ids, so that no workspace reaches another's. */
export interface ConnectionKey {
  readonly connectionId: ConnectionId;
  readonly workspaceId: WorkspaceId;
}

export const keyOf = ({ connectionId, workspaceId }: ConnectionKey): ConnectionKey => ({
  connectionId,
  workspaceId,
});

export interface Connection extends ConnectionKey {
  readonly integration: string;
  readonly registrationName: RegistrationName;
  readonly status: ConnectionStatus;
  /** The variables of the provider's URL template, e.g. `{ subdomain: "acme" }`. */
  readonly config: Readonly<Record<string, string>>;
  readonly credentials: SealedTokenSet | undefined;
  /** Grows with every token set, and never repeats: {@link nextVersion}. The fence of the commit. */
  readonly credentialsVersion: number;
  /** When the access token expires, epoch milliseconds. Undefined: the provider did not say. */
  readonly expiresAtMs: number | undefined;
  /** When the access token is assumed to expire, where `expiresAtMs` is unknown: schedule/assumed-end.ts. */
  readonly assumedExpiresAtMs: number | undefined;
  /** When the refresh token ends unless a refresh moves that; never after the absolute end. */
  readonly refreshTokenExpiresAtMs: number | undefined;
  /** When the user has to consent again, however often the connection is refreshed. */
  readonly refreshTokenAbsoluteExpiresAtMs: number | undefined;
  readonly lease: Lease | undefined;
  /** Set once somebody has found the lease ended with nothing stored under it: model/take-over.ts. */
  readonly takeOver: TakeOver | undefined;
  readonly lastRefreshedAtMs: number | undefined;
  /** When the last forced refresh began. */
  readonly lastForcedAtMs: number | undefined;
  /** When the schedule refreshes the connection, to the second. Undefined: never. */
  readonly refreshAtMs: number | undefined;
  readonly failure: Failure | undefined;
}

/** The right to refresh a connection, until it ends. */
export interface Lease {
  readonly leaseId: string;
  readonly leaseExpiresAtMs: number;
}

/** When a dead lease may be taken over. Void for any other lease. */
export interface TakeOver {
  readonly leaseId: string;
  readonly atMs: number;
}

/**
 * The last of a run of failures, which are all transient or all for somebody to mend. A committed token set
 * clears it.
 */
export interface Failure {
  readonly code: FailureCode;
  /** Failures in a row, this one included. */
  readonly count: number;
  readonly beganAtMs: number;
  readonly lastAtMs: number;
  /** The lease under which it happened: the outcome for every caller that waited for that lease. */
  readonly leaseId: string;
  /** When the provider may be asked again. Undefined: it did not say. */
  readonly retryAtMs: number | undefined;
  /** `error` of RFC 6749 §5.2, as the provider sent it. */
  readonly providerError: string | undefined;
  /** `error_description`, cut and free of tokens. */
  readonly providerErrorDescription: string | undefined;
}

/** The decrypted `credentials`. Names on the wire: adapters/kms/token-set-json.ts. */
export interface TokenSet {
  readonly accessToken: Secret<string>;
  readonly refreshToken: Secret<string> | undefined;
  readonly tokenType: string | undefined;
  /** Space-separated, as in RFC 6749 §3.3. */
  readonly scope: string | undefined;
  readonly expiresAtMs: number | undefined;
  /** Members of the token response that a caller may need (`instance_url`, `team`, …). */
  readonly extra: Readonly<Record<string, unknown>>;
  /** A private JWK, made by this service: the key that the tokens are bound to, RFC 9449. */
  readonly dpopKey?: Secret<string> | undefined;
}

/** No lease lasts longer, the difference of two clocks included. */
export const longestLeaseMs = 30_000;

/** A lease that claims to last longer than any lease does is dead: it would block the connection. */
export const leaseIsLive = ({ lease }: Pick<Connection, "lease">, nowMs: number): boolean =>
  lease !== undefined &&
  lease.leaseExpiresAtMs > nowMs &&
  lease.leaseExpiresAtMs <= nowMs + longestLeaseMs;

/**
 * The version of the token set that follows a stored one. It is the time in milliseconds, so that it does not
 * repeat after a delete or a restore from a backup: a token set of before can then not pass the fence.
 */
export const nextVersion = (storedVersion: number, nowMs: number): number =>
  Math.max(storedVersion + 1, Math.floor(nowMs));
