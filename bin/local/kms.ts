import { randomBytes } from "node:crypto";
import { nullish, object, refined } from "../../functions/validation/structures.ts";
import { integer, oneOf, string } from "../../functions/validation/values.ts";
import {
  AwsError,
  type AwsJson,
  type AwsJsonServer,
  startAwsJsonServer,
} from "./aws-json-server.ts";
import {
  arnOf,
  decrypt,
  encrypt,
  encryptionContext,
  type KeyRing,
  type MasterKey,
  openKeyRing,
} from "./kms-keys.ts";
import { parameterReader, text } from "./parameters.ts";

const read = parameterReader({ missing: "ValidationException", invalid: "ValidationException" });
const keyParameters = object({ KeyId: text });
const decryptParameters = object({ KeyId: nullish(string), CiphertextBlob: text });
const encryptParameters = object({ Plaintext: text });

export interface KmsOptions {
  /** The directory of `kms.json`, which keeps the keys. @default in memory */
  readonly directory?: string;
  readonly port?: number;
}

export interface LocalKms extends AwsJsonServer {
  readonly keyId: string;
  readonly keyArn: string;
}

/** A stand-in for KMS with symmetric keys: a first one, and those that CreateKey adds. */
export async function startKms({ directory, port = 0 }: KmsOptions = {}): Promise<LocalKms> {
  const keys = openKeyRing(directory);
  const requireKey = (input: AwsJson): MasterKey => {
    const { KeyId: keyId } = read(keyParameters, input);
    const key = keys.find(keyId);
    if (key !== undefined) return key;
    throw new AwsError("NotFoundException", `Key '${keyId}' does not exist`);
  };

  const server = await startAwsJsonServer({
    targetPrefix: "TrentService",
    port,
    operations: {
      CreateKey: () => ({ KeyMetadata: describe(keys.create()) }),
      DescribeKey: (input) => ({ KeyMetadata: describe(requireKey(input)) }),
      GenerateDataKey: (input) => {
        const plaintext = randomBytes(dataKeyBytes(input));
        const { KeyId, CiphertextBlob } = encrypted(requireKey(input), plaintext, input);
        return { KeyId, CiphertextBlob, Plaintext: plaintext.toString("base64") };
      },
      GenerateDataKeyWithoutPlaintext: (input) =>
        encrypted(requireKey(input), randomBytes(dataKeyBytes(input)), input),
      Encrypt: (input) => encrypted(requireKey(input), plaintextIn(input), input),
      Decrypt: (input) => {
        const { KeyId: keyId } = read(decryptParameters, input);
        return decrypted(keys, keyId === undefined ? "any" : requireKey(input), input);
      },
    },
  });
  return { ...server, keyId: keys.first.keyId, keyArn: arnOf(keys.first) };
}

const encrypted = (key: MasterKey, plaintext: Buffer, input: AwsJson) => ({
  KeyId: arnOf(key),
  CiphertextBlob: encrypt(key, plaintext, encryptionContext(input)).toString("base64"),
});

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors */
function decrypted(keys: KeyRing, requested: MasterKey | "any", input: AwsJson): AwsJson {
  const blob = Buffer.from(read(decryptParameters, input).CiphertextBlob, "base64");
  const context = encryptionContext(input);
  for (const key of keys.all()) {
    const plaintext = decrypt(key, blob, context);
    if (plaintext === undefined) continue;
    if (requested !== "any" && requested !== key) {
      throw new AwsError("IncorrectKeyException", "another key encrypted the ciphertext");
    }
    return {
      KeyId: arnOf(key),
      Plaintext: plaintext.toString("base64"),
      EncryptionAlgorithm: "SYMMETRIC_DEFAULT",
    };
  }
  throw new AwsError(
    "InvalidCiphertextException",
    "the ciphertext is not from this key and context",
  );
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html#API_Encrypt_RequestParameters */
function plaintextIn(input: AwsJson): Buffer {
  const plaintext = Buffer.from(read(encryptParameters, input).Plaintext, "base64");
  if (plaintext.length >= 1 && plaintext.length <= 4096) return plaintext;
  throw new AwsError("ValidationException", "expected a Plaintext of 1 to 4096 bytes");
}

const keySpecBytes = { AES_256: 32, AES_128: 16 } as const;

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html: a key spec or a number of bytes. */
const dataKeyParameters = refined(
  object({
    KeySpec: nullish(oneOf(["AES_256", "AES_128"])),
    NumberOfBytes: nullish(integer(1, 1024)),
  }),
  ({ KeySpec, NumberOfBytes }, place) => {
    if ((KeySpec === undefined) !== (NumberOfBytes === undefined)) return;
    place.reject("value_error", "expected either KeySpec or NumberOfBytes");
  },
);

function dataKeyBytes(input: AwsJson): number {
  const { KeySpec, NumberOfBytes = 0 } = read(dataKeyParameters, input);
  return KeySpec === undefined ? NumberOfBytes : keySpecBytes[KeySpec];
}

const describe = (key: MasterKey): AwsJson => ({
  AWSAccountId: arnOf(key).split(":")[4],
  KeyId: key.keyId,
  Arn: arnOf(key),
  CreationDate: key.createdAtSeconds,
  Enabled: true,
  KeyState: "Enabled",
  KeyUsage: "ENCRYPT_DECRYPT",
  KeySpec: "SYMMETRIC_DEFAULT",
  KeyManager: "CUSTOMER",
  Origin: "AWS_KMS",
  EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
  MultiRegion: false,
});
