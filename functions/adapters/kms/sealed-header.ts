import { decodeProtectedHeader } from "jose/decode/protected_header";
import type { SealedTokenSet } from "../../domain/model/connection.ts";
import type { TokenBinding } from "../../domain/model/token-binding.ts";
import { type TokenSetPlace, UnreadableCredentials } from "../../domain/ports/token-cipher.ts";
import { type Check, faultsText, type Place, validated } from "../../validation/check.ts";
import { isObject, object, optional, refined } from "../../validation/structures.ts";
import { integer, matching, oneOf, satisfying, string } from "../../validation/values.ts";
import { isPacked, unpack } from "./packed-jwe.ts";

export const alg = "dir" as const;
export const enc = "A256GCM" as const;

/** Names the key of a token set. */
export type KeyMembers = DerivedKeyMembers | DataKeyMembers;

/** A key that is derived from a branch key. */
export interface DerivedKeyMembers {
  /** The branch key's id. */
  readonly kid: string;
  /** base64url */
  readonly salt: string;
  /** base64url */
  readonly commitment: string;
}

/** A data key of the connection's own. */
export interface DataKeyMembers {
  /** base64url of KMS's `CiphertextBlob`. */
  readonly edk: string;
  /** When the data key was generated, in epoch seconds. */
  readonly edk_at: number;
}

/** The protected header of a token set's JWE. */
export type Header = KeyMembers & {
  readonly alg: typeof alg;
  readonly enc: typeof enc;
  readonly zip?: "DEF";
  readonly workspace_id: string;
  readonly connection_id: string;
  readonly version: number;
  /** Present together with `token_endpoint`. */
  readonly client_id?: string;
  /** Origin and path. */
  readonly token_endpoint?: string;
};

/** The header of a token set that belongs in its place, provided that its ciphertext is authentic. */
export interface ReadHeader {
  readonly jwe: string;
  readonly key: KeyMembers;
  readonly binding: TokenBinding | undefined;
}

/**
 * Reads the header. One that cannot be this place's is refused before KMS is asked. The rest of the header is
 * authenticated with the ciphertext.
 * @throws {UnreadableCredentials} naming every member at fault
 */
export function readHeader(sealed: SealedTokenSet, place: TokenSetPlace): ReadHeader {
  const jwe = isPacked(sealed) ? unpack(sealed) : sealed;
  const header = decodeHeader(jwe);
  const unreadable = (faults: Parameters<typeof faultsText>[0]) =>
    new UnreadableCredentials(faultsText(faults));
  const stated = validated(placeCheck(place, isPacked(sealed)), header, unreadable);
  const isDerived = isObject(header) && header.kid !== undefined;
  return {
    jwe: jwe ?? "",
    key: validated<KeyMembers>(isDerived ? derivedKeyCheck : dataKeyCheck, header, unreadable),
    binding: bindingOf(stated),
  };
}

function bindingOf({ client_id: clientId, token_endpoint: endpoint }: BindingMembers) {
  const url = endpoint === undefined ? null : URL.parse(endpoint);
  if (clientId === undefined || url === null) return undefined;
  return { clientId, origin: url.origin, path: url.pathname };
}

function decodeHeader(jwe: string | undefined): unknown {
  try {
    if (jwe?.split(".").length === 5) return decodeProtectedHeader(jwe);
  } catch {
    // The error below says it.
  }
  throw new UnreadableCredentials("it is neither a compact JWE nor a packed one");
}

const placeCheck = (place: TokenSetPlace, isPackedForm: boolean) =>
  refined(
    object({
      alg: oneOf([alg]),
      enc: oneOf([enc]),
      workspace_id: oneOf([place.workspaceId]),
      connection_id: oneOf([place.connectionId]),
      version: isPackedForm ? oneOf([place.version]) : optional(versionFrom(place.version)),
      client_id: optional(string),
      token_endpoint: optional(satisfying(isUrl, "a URL")),
    }),
    requireWholeBinding,
  );

/**
 * A token set does not open under a later version, since its refresh token is then long spent. In the compact form it
 * may have a later version than its place, whose version a former release has counted. Token sets of such a release
 * have no version.
 */
const versionFrom = (version: number): Check<number> =>
  integer(version, Number.MAX_SAFE_INTEGER, `${version} or later`);

type BindingMembers = Pick<Header, "client_id" | "token_endpoint">;

const isUrl = (value: unknown): value is string => typeof value === "string" && URL.canParse(value);

const requireWholeBinding = ({ client_id, token_endpoint }: BindingMembers, place: Place): void => {
  if ((client_id === undefined) !== (token_endpoint === undefined)) {
    place.reject("value_error", "expected client_id and token_endpoint together");
  }
};

const base64url = matching(/^[A-Za-z0-9_-]+$/, "base64url");

const derivedKeyCheck: Check<DerivedKeyMembers> = object({
  kid: matching(/^\d{1,4}\.\d{4}-\d\d-\d\d\.[0-9a-f]{8}$/, "the id of a branch key"),
  salt: base64url,
  commitment: base64url,
});

const dataKeyCheck: Check<DataKeyMembers> = object({
  edk: base64url,
  edk_at: integer(1, Number.MAX_SAFE_INTEGER, "epoch seconds"),
});
