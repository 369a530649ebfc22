import { createHash } from "node:crypto";
import { EncryptCommand } from "@aws-sdk/client-kms";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import type { TokenBinding } from "../../domain/model/token-binding.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { Rebinds, Successor } from "../../domain/ports/rebinds.ts";
import { UnreadableCredentials } from "../../domain/ports/token-cipher.ts";
import { validated } from "../../validation/check.ts";
import { json, object, optional } from "../../validation/structures.ts";
import { string } from "../../validation/values.ts";
import { lruMap } from "../cache/lru-map.ts";
import { changeItem, readItem } from "../dynamodb/coordination.ts";
import type { DynamoDbTable } from "../dynamodb/table-requests.ts";
import { clause } from "../dynamodb/update-expression.ts";
import { decrypt, type EncryptionContext, encrypting, type WrappingKeys } from "./decrypt.ts";
import { rebindPurpose } from "./encryption-context.ts";

export interface KmsRebindsOptions extends WrappingKeys {
  /** The coordination table. */
  readonly table: DynamoDbTable;
  readonly stage: string;
}

export interface CachedRebindsOptions extends KmsRebindsOptions {
  readonly clock: Pick<Clock, "nowMs">;
  /** @default 60000 */
  readonly maxAgeMs?: number;
  /** How long the absence of a permission is remembered. @default 5000 */
  readonly absenceMaxAgeMs?: number;
}

interface Known {
  readonly untilMs: number;
  readonly successor: Successor | undefined;
}

type Origin = Pick<TokenBinding, "clientId" | "origin">;

const maximumEntries = 1_000;

/**
 * Permissions to send tokens elsewhere, one item each. What counts is encrypted under the token key, with the
 * binding that it replaces as encryption context: whoever can write the table and no more cannot give one.
 */
export function kmsRebinds(options: CachedRebindsOptions): Rebinds {
  const { clock, maxAgeMs = 60_000, absenceMaxAgeMs = 5_000 } = options;
  const known = lruMap<string, Known>(maximumEntries);
  return {
    async successorOf(from) {
      const id = itemIdOf(from);
      const cached = known.get(id);
      if (cached !== undefined && clock.nowMs() < cached.untilMs) return cached.successor;
      const successor = await readSuccessor(options, from);
      const ageMs = successor === undefined ? absenceMaxAgeMs : maxAgeMs;
      known.set(id, { untilMs: clock.nowMs() + ageMs, successor });
      return successor;
    },
  };
}

/** @throws {StoreUnavailable} */
async function readSuccessor(
  options: KmsRebindsOptions,
  from: Origin,
): Promise<Successor | undefined> {
  const item = await readItem(options.table, itemIdOf(from));
  const blob = item?.sealed?.B;
  if (blob === undefined) return undefined;
  const sealed = { name: "the permission to rebind", blob };
  try {
    const { plaintext } = await decrypt(options, sealed, contextOf(options, from));
    const {
      client_id: clientId,
      origin,
      path,
    } = validated(
      successorCheck,
      new TextDecoder().decode(plaintext),
      () => new UnreadableCredentials("the permission to rebind has another form"),
    );
    return { clientId, origin, path };
  } catch (error) {
    // Nobody with the right to encrypt has written it.
    if (error instanceof UnreadableCredentials) return undefined;
    throw error;
  }
}

const successorCheck = json(object({ client_id: string, origin: string, path: optional(string) }));

/** Permits that tokens of `from` are sent to `to`. @throws {StoreUnavailable} */
export async function putRebind(
  options: KmsRebindsOptions,
  from: Origin,
  to: Successor,
): Promise<void> {
  const { client, keyId, table } = options;
  const plaintext = JSON.stringify({ client_id: to.clientId, origin: to.origin, path: to.path });
  const command = new EncryptCommand({
    KeyId: keyId,
    Plaintext: new TextEncoder().encode(plaintext),
    EncryptionContext: { ...contextOf(options, from) },
  });
  const { CiphertextBlob } = await encrypting(() => client.send(command));
  if (CiphertextBlob === undefined)
    throw new StoreUnavailable("KMS", new TypeError("no CiphertextBlob"));
  await changeItem(table, itemIdOf(from), {
    set: {
      sealed: { B: CiphertextBlob },
      // For people who look at the table.
      from_origin: { S: from.origin },
      to_origin: { S: to.origin },
    },
  });
}

/** @returns whether there was such a permission. @throws {StoreUnavailable} */
export async function removeRebind({ table }: KmsRebindsOptions, from: Origin): Promise<boolean> {
  const removed = await changeItem(table, itemIdOf(from), {
    remove: ["sealed", "from_origin", "to_origin"],
    condition: [clause("attribute_exists(#sealed)")],
  });
  return removed !== undefined;
}

function itemIdOf({ clientId, origin }: Origin): string {
  const digest = createHash("sha256")
    .update(JSON.stringify([clientId, origin]))
    .digest("hex");
  return `rebind#${digest}`;
}

const contextOf = (
  { stage }: KmsRebindsOptions,
  { clientId, origin }: Origin,
): EncryptionContext => ({ purpose: rebindPurpose, stage, client_id: clientId, origin });
