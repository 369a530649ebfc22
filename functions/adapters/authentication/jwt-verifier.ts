import type { JWTPayload } from "jose";
import { JOSEError } from "jose/errors";
import { jwtVerify } from "jose/jwt/verify";
import { isWorkspaceId, type WorkspaceId } from "../../domain/model/connection.ts";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import {
  type RefusalReason,
  refused,
  type TokenClaims,
  type TokenVerdict,
  type TokenVerifier,
} from "../../domain/ports/authentication.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import { remoteKeySet } from "./remote-key-set.ts";

export interface JwtVerifierOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUri: URL;
  /** Never `none`, never `HS*`: anyone who can read the public keys could sign with them. */
  readonly algorithms: readonly string[];
  readonly clock: Clock;
  /** From the look-up of the host to the last byte of the key set. @default 3000 */
  readonly keySetTimeoutMs?: number;
}

/** The difference that is permitted between the issuer's clock and ours. */
const clockToleranceSeconds = 5;

/** RFC 9068 §2.1, and `JWT` or none, which most issuers use. A token made for another purpose is refused. */
const acceptedTypes: readonly (string | undefined)[] = [
  ...[undefined, "jwt", "application/jwt"],
  ...["at+jwt", "application/at+jwt"],
];

/**
 * Verifies JWTs (RFC 7519) by their issuer's key set. Workspaces are in the claims `workspace_id` (the
 * default) and `workspace_ids`, scopes in `scope` (RFC 8693 §4.2) or `scp`.
 */
export function jwtVerifier(options: JwtVerifierOptions): TokenVerifier {
  const { issuer, audience, jwksUri: uri, clock, keySetTimeoutMs: timeoutMs = 3_000 } = options;
  const algorithms = [...options.algorithms];
  const keySet = remoteKeySet({ uri, clock, timeoutMs });
  return {
    async verify(token) {
      try {
        const { payload, protectedHeader } = await jwtVerify(token.reveal(), keySet, {
          issuer,
          audience,
          algorithms,
          requiredClaims: ["exp"],
          clockTolerance: clockToleranceSeconds,
          currentDate: new Date(clock.nowMs()),
        });
        const isAccepted = acceptedTypes.includes(protectedHeader.typ?.toLowerCase());
        return isAccepted ? claimsOf(payload) : refused("token_type");
      } catch (error) {
        const reason = tokenFault(error);
        if (reason === undefined) throw new StoreUnavailable("the JSON Web Key Set", error);
        return refused(reason);
      }
    },
  };
}

/** Undefined: the fault is not the token's. */
function tokenFault(error: unknown): RefusalReason | undefined {
  if (!(error instanceof JOSEError)) return undefined;
  switch (error.code) {
    case "ERR_JWS_INVALID":
    case "ERR_JWT_INVALID":
    case "ERR_JOSE_NOT_SUPPORTED":
      return "token_malformed";
    case "ERR_JOSE_ALG_NOT_ALLOWED":
      return "token_algorithm";
    case "ERR_JWKS_NO_MATCHING_KEY":
    case "ERR_JWKS_MULTIPLE_MATCHING_KEYS":
      return "token_key_unknown";
    case "ERR_JWS_SIGNATURE_VERIFICATION_FAILED":
      return "token_signature";
    case "ERR_JWT_EXPIRED":
      return "token_expired";
    case "ERR_JWT_CLAIM_VALIDATION_FAILED":
      return "token_claims";
    default:
      return undefined;
  }
}

function claimsOf(payload: JWTPayload): TokenVerdict {
  const { sub, workspace_id, workspace_ids = [] } = payload;
  if (workspace_id !== undefined && !isWorkspaceId(workspace_id)) return refused("token_claims");
  if (!isWorkspaceIds(workspace_ids)) return refused("token_claims");
  const scopes = scopesOf("scope" in payload ? payload.scope : payload.scp);
  if (scopes === "malformed") return refused("token_claims");
  const claims: TokenClaims = {
    subject: sub,
    workspaceId: workspace_id,
    workspaceIds: workspace_ids,
    scopes,
  };
  return { kind: "verified", claims };
}

const isWorkspaceIds = (value: unknown): value is WorkspaceId[] =>
  Array.isArray(value) && value.every(isWorkspaceId);

/** `scope` is one string, space-separated; `scp`, by issuer, that or an array of strings. */
function scopesOf(claim: unknown): readonly string[] | undefined | "malformed" {
  if (claim === undefined) return undefined;
  if (claim === null) return [];
  const scopes = Array.isArray(claim) ? claim : [claim];
  if (!scopes.every((scope) => typeof scope === "string")) return "malformed";
  return scopes.flatMap((scope) => scope.split(" ").filter((part) => part !== ""));
}
