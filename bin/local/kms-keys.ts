import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { AwsError, type AwsJson } from "./aws-json-server.ts";
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
 * @param directory keeps the keys in `kms.json` there; undefined: the keys end with the process
 * @throws {Error} naming the file, when it is not one that this stand-in wrote
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

function parseKeys(path: string, content: string): [MasterKey, ...MasterKey[]] {
  try {
    const { further = [], ...first } = JSON.parse(content);
    return [parseKey(first), ...further.map(parseKey)];
  } catch {
    // The parser's message quotes the file, which holds the keys.
    throw new Error(`${path} does not hold a key of the local KMS; remove it to start anew`);
  }
}

function parseKey({ keyId, material, createdAtSeconds }: Record<string, unknown>): MasterKey {
  const key = Buffer.from(String(material), "base64");
  if (typeof keyId !== "string" || typeof createdAtSeconds !== "number" || key.length !== 32) {
    throw new TypeError("not a key");
  }
  return { keyId, material: key, createdAtSeconds };
}

/** The context's members in a fixed order: KMS treats it as a set. */
export function encryptionContext({ EncryptionContext: context = {} }: AwsJson): Buffer {
  const members = Object.entries(context as Record<string, unknown>);
  if (!members.every(([, value]) => typeof value === "string")) {
    throw new AwsError("SerializationException", "EncryptionContext is not a map of strings");
  }
  return Buffer.from(JSON.stringify(members.sort(([a], [b]) => (a < b ? -1 : 1))));
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
