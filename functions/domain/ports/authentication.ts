import type { WorkspaceId } from "../model/connection.ts";
import type { Secret } from "../model/secret.ts";

/** A stored API key, without the key itself. */
export interface ApiKeyRecord {
  /** SHA-256 of the key, in hexadecimal. */
  readonly keyHash: string;
  /** The key's public id; not secret. */
  readonly keyId: string;
  /** The default workspace. */
  readonly workspaceId: WorkspaceId;
  /** Further workspaces. */
  readonly workspaceIds: readonly WorkspaceId[];
  /** Undefined: not limited by scope. */
  readonly scopes: readonly string[] | undefined;
  readonly status: "active" | "revoked";
  /** Undefined: the key does not expire. */
  readonly expiresAtMs: number | undefined;
}

export interface ApiKeys {
  /** @throws {StoreUnavailable} */
  find(keyHash: string): Promise<ApiKeyRecord | undefined>;
}

export interface KeyDigest {
  /** SHA-256, in hexadecimal. */
  of(key: Secret): string;
  /** Compares in constant time. */
  areEqual(one: string, other: string): boolean;
}

/** The claims of a verified token, RFC 7519 §4. */
export interface TokenClaims {
  readonly subject: string | undefined;
  readonly workspaceId: WorkspaceId | undefined;
  readonly workspaceIds: readonly WorkspaceId[];
  /** Undefined: the token states none. */
  readonly scopes: readonly string[] | undefined;
}

export interface TokenVerifier {
  /** @throws {StoreUnavailable} the issuer's key set cannot be read */
  verify(token: Secret): Promise<TokenVerdict>;
}

export type TokenVerdict = { readonly kind: "verified"; readonly claims: TokenClaims } | Refused;

/** For the operator's log alone: a caller never learns the reason. */
export type RefusalReason =
  | "not_bearer"
  | "credential_unknown"
  | "key_unknown"
  | "key_revoked"
  | "key_expired"
  | "token_malformed"
  | "token_algorithm"
  | "token_key_unknown"
  | "token_signature"
  | "token_expired"
  | "token_type"
  | "token_claims";

export interface Refused {
  readonly kind: "refused";
  readonly reason: RefusalReason;
}

export const refused = (reason: RefusalReason): Refused => ({ kind: "refused", reason });
