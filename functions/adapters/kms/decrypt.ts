import { DecryptCommand, type KMSClient } from "@aws-sdk/client-kms";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import { UnreadableCredentials } from "../../domain/ports/token-cipher.ts";
import { asStoreUnavailable } from "../aws/clients.ts";

/** The KMS keys that wrap: one for new keys, and the ones that it replaced. */
export interface WrappingKeys {
  readonly client: KMSClient;
  /** Id, ARN or alias of the symmetric key that wraps. */
  readonly keyId: string;
  /** Keys that unwrap, and wrap no more. @default none */
  readonly formerKeyIds?: readonly string[];
}

export type EncryptionContext = Readonly<Record<string, string>>;

/** KMS refused the request: the key is disabled, or this role may not use it. An operator can undo both. */
export class KeyDeclined extends StoreUnavailable {
  constructor(cause: unknown) {
    super("KMS", cause);
    this.name = "KeyDeclined";
  }
}

export interface Unwrapped {
  readonly plaintext: Uint8Array;
  /** A former key wrapped it. */
  readonly isFormer: boolean;
}

/**
 * @param name of the wrapped bytes, for the operator
 * @throws {StoreUnavailable} {@link KeyDeclined} where KMS responded
 * @throws {UnreadableCredentials} not wrapped under this context by one of the keys
 */
export async function decrypt(
  { client, keyId, formerKeyIds = [] }: WrappingKeys,
  { name, blob }: { readonly name: string; readonly blob: Uint8Array },
  context: EncryptionContext,
): Promise<Unwrapped> {
  for (const KeyId of [keyId, ...formerKeyIds]) {
    const input = { KeyId, CiphertextBlob: blob, EncryptionContext: { ...context } };
    try {
      const { Plaintext = new Uint8Array() } = await asStoreUnavailable("KMS", () =>
        client.send(new DecryptCommand(input)),
      );
      return { plaintext: Plaintext, isFormer: KeyId !== keyId };
    } catch (error) {
      if (!isIncorrectKey(error)) throw asDecryptError(error, name);
    }
  }
  throw new UnreadableCredentials(
    `${name} is wrapped by a KMS key that is neither KMS_KEY_ID nor among FORMER_KMS_KEY_IDS`,
  );
}

/** Runs a request that encrypts. @throws {StoreUnavailable} {@link KeyDeclined} where KMS responded */
export async function encrypting<Output>(request: () => Promise<Output>): Promise<Output> {
  try {
    return await asStoreUnavailable("KMS", request);
  } catch (error) {
    throw error instanceof StoreUnavailable ? error : new KeyDeclined(error);
  }
}

const isIncorrectKey = (error: unknown): boolean =>
  error instanceof Error && error.name === "IncorrectKeyException";

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors */
function asDecryptError(error: unknown, name: string): StoreUnavailable | UnreadableCredentials {
  if (error instanceof StoreUnavailable) return error;
  if (error instanceof Error && error.name === "InvalidCiphertextException") {
    return new UnreadableCredentials(`${name} is damaged, or belongs in another place`, error);
  }
  return new KeyDeclined(error);
}
