import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import {
  AwsError,
  type AwsJson,
  type AwsJsonServer,
  optionalString,
  requiredString,
  startAwsJsonServer,
} from "./aws-json-server.ts";
import { readPrivateFile, writePrivateFile } from "./private-file.ts";

export interface KmsOptions {
  /** Keeps the key in `kms.json` there; without it the key ends with the process. */
  readonly directory?: string;
  readonly port?: number;
}

export interface LocalKms extends AwsJsonServer {
  readonly keyId: string;
  readonly keyArn: string;
}

interface MasterKey {
  readonly keyId: string;
  readonly material: Buffer;
  readonly createdAtSeconds: number;
}

const account = "000000000000";
const ivBytes = 12;
const tagBytes = 16;

/** A stand-in for KMS with one symmetric key: GenerateDataKey, Decrypt, DescribeKey. */
export async function startKms({ directory, port = 0 }: KmsOptions = {}): Promise<LocalKms> {
  const master = directory === undefined ? newMasterKey() : keptMasterKey(directory);
  const keyArn = `arn:aws:kms:us-east-1:${account}:key/${master.keyId}`;
  const requireKey = (keyId: string): void => {
    if (keyId !== master.keyId && keyId !== keyArn) {
      throw new AwsError("NotFoundException", `Key '${keyId}' does not exist`);
    }
  };

  const server = await startAwsJsonServer({
    targetPrefix: "TrentService",
    port,
    operations: {
      GenerateDataKey: (input) => {
        requireKey(requiredString(input, "KeyId"));
        const plaintext = randomBytes(dataKeyBytes(input));
        return {
          KeyId: keyArn,
          Plaintext: plaintext.toString("base64"),
          CiphertextBlob: wrap(master, plaintext, encryptionContext(input)).toString("base64"),
        };
      },
      Decrypt: (input) => {
        const keyId = optionalString(input, "KeyId");
        if (keyId !== undefined) requireKey(keyId);
        const blob = Buffer.from(requiredString(input, "CiphertextBlob"), "base64");
        return {
          KeyId: keyArn,
          Plaintext: unwrap(master, blob, encryptionContext(input)).toString("base64"),
          EncryptionAlgorithm: "SYMMETRIC_DEFAULT",
        };
      },
      DescribeKey: (input) => {
        requireKey(requiredString(input, "KeyId"));
        return { KeyMetadata: describe(master, keyArn) };
      },
    },
  });
  return { ...server, keyId: master.keyId, keyArn };
}

const newMasterKey = (): MasterKey => ({
  keyId: randomUUID(),
  material: randomBytes(32),
  createdAtSeconds: Math.floor(Date.now() / 1000),
});

/** @throws {Error} naming the file, when it is not one that this stand-in wrote */
function keptMasterKey(directory: string): MasterKey {
  const path = join(directory, "kms.json");
  const content = readPrivateFile(path);
  if (content === undefined) {
    const master = newMasterKey();
    const material = master.material.toString("base64");
    writePrivateFile(path, JSON.stringify({ ...master, material }));
    return master;
  }
  try {
    const { keyId, material, createdAtSeconds } = JSON.parse(content);
    const key = Buffer.from(material, "base64");
    if (typeof keyId === "string" && key.length === 32) {
      return { keyId, material: key, createdAtSeconds };
    }
  } catch {
    // The parser's message quotes the file, which holds the key.
  }
  throw new Error(`${path} does not hold a key of the local KMS; remove it to start anew`);
}

/** A key spec or a number of bytes, not both: API_GenerateDataKey. */
function dataKeyBytes({ KeySpec: spec, NumberOfBytes: bytes }: AwsJson): number {
  if (bytes === undefined && spec === "AES_256") return 32;
  if (bytes === undefined && spec === "AES_128") return 16;
  if (spec === undefined && Number.isInteger(bytes)) {
    const count = Number(bytes);
    if (count >= 1 && count <= 1024) return count;
  }
  throw new AwsError("ValidationException", "either KeySpec or NumberOfBytes from 1 to 1024");
}

/** The context's members in one order, whatever order they came in: KMS takes it as a set. */
function encryptionContext({ EncryptionContext: context = {} }: AwsJson): Buffer {
  const members = Object.entries(context as Record<string, unknown>);
  if (!members.every(([, value]) => typeof value === "string")) {
    throw new AwsError("SerializationException", "EncryptionContext is not a map of strings");
  }
  return Buffer.from(JSON.stringify(members.sort(([a], [b]) => (a < b ? -1 : 1))));
}

function wrap({ material }: MasterKey, plaintext: Buffer, context: Buffer): Buffer {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv("aes-256-gcm", material, iv).setAAD(context);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), ciphertext]);
}

function unwrap({ material }: MasterKey, blob: Buffer, context: Buffer): Buffer {
  try {
    const iv = blob.subarray(0, ivBytes);
    const tag = blob.subarray(ivBytes, ivBytes + tagBytes);
    const decipher = createDecipheriv("aes-256-gcm", material, iv, { authTagLength: tagBytes });
    decipher.setAAD(context).setAuthTag(tag);
    return Buffer.concat([decipher.update(blob.subarray(ivBytes + tagBytes)), decipher.final()]);
  } catch {
    throw new AwsError("InvalidCiphertextException", "not a ciphertext of this key and context");
  }
}

const describe = ({ keyId, createdAtSeconds }: MasterKey, keyArn: string): AwsJson => ({
  AWSAccountId: account,
  KeyId: keyId,
  Arn: keyArn,
  CreationDate: createdAtSeconds,
  Enabled: true,
  KeyState: "Enabled",
  KeyUsage: "ENCRYPT_DECRYPT",
  KeySpec: "SYMMETRIC_DEFAULT",
  KeyManager: "CUSTOMER",
  Origin: "AWS_KMS",
  EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
  MultiRegion: false,
});
