import type { SealedTokenSet } from "../../domain/model/connection.ts";

/*
 * The packed form of a JWE with direct encryption, which has no encrypted key (RFC 7516 §7.1):
 *
 *     0        1                 3                       3 + n       15 + n           end − 16
 *     │ 0x02   │ header length n │ protected header, JSON │ IV        │ ciphertext      │ tag
 *     │ 1 byte │ 2 bytes, BE     │ n bytes                │ 12 bytes  │                 │ 16 bytes
 *
 * DynamoDB holds these bytes as they are. Queues and logs hold them as base64url, which begins with `Ag`, while a
 * compact JWE begins with `ey`.
 */
const packedVersion = 2;
const headerAt = 3;
const ivBytes = 12;
const tagBytes = 16;

export const isPacked = (sealed: SealedTokenSet): boolean => sealed.startsWith("Ag");

/** @param jwe compact, encrypted directly with A256GCM */
export function pack(jwe: string): SealedTokenSet {
  const [header = "", , iv = "", ciphertext = "", tag = ""] = jwe.split(".");
  const headerBytes = Buffer.from(header, "base64url");
  const start = Buffer.alloc(headerAt);
  start.writeUInt8(packedVersion);
  start.writeUInt16BE(headerBytes.length, 1);
  const rest = [iv, ciphertext, tag].map((part) => Buffer.from(part, "base64url"));
  return Buffer.concat([start, headerBytes, ...rest]).toString("base64url") as SealedTokenSet;
}

/** @returns the compact JWE; undefined: the bytes are not of this form */
export function unpack(sealed: SealedTokenSet): string | undefined {
  const bytes = Buffer.from(sealed, "base64url");
  if (bytes.length < headerAt || bytes.readUInt8() !== packedVersion) return undefined;
  const ivAt = headerAt + bytes.readUInt16BE(1);
  const ciphertextAt = ivAt + ivBytes;
  const tagAt = bytes.length - tagBytes;
  if (tagAt < ciphertextAt) return undefined;
  const part = (from: number, to: number) => bytes.subarray(from, to).toString("base64url");
  const parts = [part(ivAt, ciphertextAt), part(ciphertextAt, tagAt), part(tagAt, bytes.length)];
  return [part(headerAt, ivAt), "", ...parts].join(".");
}
