import type { WorkspaceId } from "./model/connection.ts";
import { RefreshError } from "./model/errors.ts";
import type { Secret } from "./model/secret.ts";
import {
  type ApiKeys,
  type KeyDigest,
  type Refused,
  refused,
  type TokenClaims,
  type TokenVerifier,
} from "./ports/authentication.ts";
import type { Clock } from "./ports/clock.ts";

/** A credential that states scopes has to include this one. */
export const refreshScope = "connections:refresh";

/** The authenticated caller, and the workspaces that it may use. */
export interface Principal {
  /** `key:<key id>` or `jwt:<subject>`. */
  readonly principalId: string;
  readonly defaultWorkspaceId: WorkspaceId | undefined;
  /** All workspaces that the credential may use, the default included. */
  readonly workspaceIds: readonly WorkspaceId[];
}

/**
 * The workspace of a request: the one that the request names, else the credential's default.
 * @throws {RefreshError} `workspace_forbidden`
 */
export function workspaceFor(
  { defaultWorkspaceId, workspaceIds }: Principal,
  requested: WorkspaceId | undefined,
): WorkspaceId {
  const workspaceId = requested ?? defaultWorkspaceId;
  if (workspaceId === undefined) {
    throw new RefreshError("workspace_forbidden", {
      reason: "It has no default workspace: name one in X-Workspace-Id.",
    });
  }
  if (!workspaceIds.includes(workspaceId)) throw new RefreshError("workspace_forbidden");
  return workspaceId;
}

/** A credential that states no scopes is not limited by scope. */
const mayRefresh = (scopes: readonly string[] | undefined): boolean =>
  scopes === undefined || scopes.includes(refreshScope);

export type Authentication =
  | {
      readonly kind: "authenticated";
      readonly principal: Principal;
      /** False: the credential states scopes, and the scope of this operation is not among them. */
      readonly mayRefresh: boolean;
    }
  | Refused;

export interface AuthenticationDependencies {
  readonly apiKeys: ApiKeys;
  readonly digest: KeyDigest;
  /** Undefined: only API keys are accepted. */
  readonly tokens: TokenVerifier | undefined;
  readonly clock: Clock;
}

/** @throws {StoreUnavailable} the credential cannot be checked now, which is not a refusal */
export type Authenticate = (bearer: Secret) => Promise<Authentication>;

/** 256 random bits in base64url, after a prefix that people and secret scanners recognise. */
const apiKeyPattern = /^otr_[A-Za-z0-9_-]{43}$/;

export function authenticate(dependencies: AuthenticationDependencies): Authenticate {
  const { tokens } = dependencies;
  return async (bearer) => {
    if (apiKeyPattern.test(bearer.reveal())) return authenticateKey(dependencies, bearer);
    if (tokens === undefined) return refused("credential_unknown");
    const verdict = await tokens.verify(bearer);
    return verdict.kind === "refused" ? verdict : authenticated(verdict.claims);
  };
}

async function authenticateKey(
  { apiKeys, digest, clock }: AuthenticationDependencies,
  key: Secret,
): Promise<Authentication> {
  const keyHash = digest.of(key);
  const record = await apiKeys.find(keyHash);
  if (record === undefined || !digest.areEqual(record.keyHash, keyHash)) {
    return refused("key_unknown");
  }
  if (record.status !== "active") return refused("key_revoked");
  if (record.expiresAtMs !== undefined && record.expiresAtMs <= clock.nowMs()) {
    return refused("key_expired");
  }
  const { keyId, workspaceId, workspaceIds, scopes } = record;
  return accepted(`key:${keyId}`, workspaceId, workspaceIds, scopes);
}

const authenticated = ({ subject, workspaceId, workspaceIds, scopes }: TokenClaims) =>
  accepted(`jwt:${subject ?? ""}`, workspaceId, workspaceIds, scopes);

const accepted = (
  principalId: string,
  defaultWorkspaceId: WorkspaceId | undefined,
  furtherWorkspaceIds: readonly WorkspaceId[],
  scopes: readonly string[] | undefined,
): Authentication => ({
  kind: "authenticated",
  principal: {
    principalId,
    defaultWorkspaceId,
    workspaceIds: [
      ...new Set(
        defaultWorkspaceId === undefined
          ? furtherWorkspaceIds
          : [defaultWorkspaceId, ...furtherWorkspaceIds],
      ),
    ],
  },
  mayRefresh: mayRefresh(scopes),
});
