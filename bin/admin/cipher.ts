import { dynamoDbClient, kmsClient } from "../../functions/adapters/aws/clients.ts";
import type { KmsTokenCipher } from "../../functions/adapters/kms/token-cipher.ts";
import { tokenCipherConfig } from "../../functions/runtime/config.ts";
import type { Environment } from "../../functions/runtime/environment.ts";
import { tokenCipher } from "../../functions/runtime/token-cipher.ts";
import { requireEnvironment } from "./io.ts";

/**
 * The token cipher of the deployed functions.
 * @throws {CommandFailed} naming the variables that are missing
 */
export function cipherFor(environment: Environment): KmsTokenCipher {
  requireEnvironment(environment, "KMS_KEY_ID", "BRANCH_KEYS_TABLE", "STAGE");
  const clients = { dynamoDb: dynamoDbClient(), kms: kmsClient() };
  return tokenCipher(tokenCipherConfig(environment), clients);
}
