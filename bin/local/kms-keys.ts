import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { type Check, validated } from "../../functions/validation/check.ts";
import { json, list, object, record, withDefault } from "../../functions/validation/structures.ts";
import { string, wholeNumber } from "../../functions/validation/values.ts";
import type { AwsJson } from "./aws-json-server.ts";
import { parameterReader } from "./parameters.ts";
import { readPrivateFile, writePrivateFile } from "./private-file.ts";

/** A symmetric key of the local KMS. */
export interface MasterKey {
  readonly keyId: string;
  readonly material: Buffer;
  readonly createdAtSeconds: number;
}

export interface KeyRing {
  /** The oldest key, which `npm start` uses. */
  readonly first: MasterKey;
  /** @param keyId an id or an ARN */
  find(keyId: string): MasterKey | undefined;
  create(): MasterKey;
  all(): readonly MasterKey[];
}

const account = "000000000000";
const ivBytes = 12;
const tagBytes = 16;

export const arnOf = ({ keyId }: MasterKey): string =>
  `arn:aws:kms:us-east-1:${account}:key/${keyId}`;

/**
 * @param directory of `kms.json`, which keeps the keys; undefined: in memory
 * @throws {Error} naming the file, if this stand-in did not write it
 */
export function openKeyRing(directory: string | undefined): KeyRing {
  const path = directory === undefined ? undefined : join(directory, "kms.json");
  const content = path === undefined ? undefined : readPrivateFile(path);
  const keys: [MasterKey, ...MasterKey[]] =
    path === undefined || content === undefined ? [newMasterKey()] : parseKeys(path, content);
  const save = (): void => {
    const [first, ...further] = keys.map((key) => ({
      ...key,
      material: key.material.toString("base64"),
    }));
    if (path !== undefined) writePrivateFile(path, JSON.stringify({ ...first, further }));
  };
  if (content === undefined) save();
  return {
    first: keys[0],
    find: (keyId) => keys.find((key) => keyId === key.keyId || keyId === arnOf(key)),
    create() {
      const key = newMasterKey();
      keys.push(key);
      save();
      return key;
    },
    all: () => keys,
  };
}

const newMasterKey = (): MasterKey => ({
  keyId: randomUUID(),
  material: randomBytes(32),
  createdAtSeconds: Math.floor(Date.now() / 1000),
});

const keyMaterial: Check<Buffer> = (value, place) => {
  const material = Buffer.from(String(value), "base64");
  return material.length === 32 ? material : place.reject("value_error", "expected 32 bytes");
};

const keyMembers = { keyId: string, material: keyMaterial, createdAtSeconds: wholeNumber };
const keyFile = json(object({ ...keyMembers, further: withDefault(list(object(keyMembers)), []) }));

function parseKeys(path: string, content: string): [MasterKey, ...MasterKey[]] {
  const { further, ...first } = validated(
    keyFile,
    content,
    () =>
      new Error(`${path} does not hold a key of the local KMS. Remove it to start with a new key`),
  );
  return [first, ...further];
}

const read = parameterReader({ missing: "ValidationException", invalid: "ValidationException" });
const contextParameter = object({ EncryptionContext: withDefault(record(/^/, string), {}) });

/** The context's members in a fixed order: KMS treats it as a set. */
export function encryptionContext(input: AwsJson): Buffer {
  const { EncryptionContext: context } = read(contextParameter, input);
  const members = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(JSON.stringify(members));
}

export function encrypt({ material }: MasterKey, plaintext: Buffer, context: Buffer): Buffer {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv("aes-256-gcm", material, iv).setAAD(context);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), ciphertext]);
}

/** Undefined: the blob was encrypted with another key, under another context, or is damaged. */
export function decrypt(
  { material }: MasterKey,
  blob: Buffer,
  context: Buffer,
): Buffer | undefined {
  try {
    const iv = blob.subarray(0, ivBytes);
    const tag = blob.subarray(ivBytes, ivBytes + tagBytes);
    const decipher = createDecipheriv("aes-256-gcm", material, iv, { authTagLength: tagBytes });
    decipher.setAAD(context).setAuthTag(tag);
    return Buffer.concat([decipher.update(blob.subarray(ivBytes + tagBytes)), decipher.final()]);
  } catch {
    return undefined;
  }
}
