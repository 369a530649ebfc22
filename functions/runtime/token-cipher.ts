import { systemClock as clock } from "../adapters/clock/system-clock.ts";
import { type KmsBranchKeysOptions, kmsBranchKeys } from "../adapters/kms/branch-keys.ts";
import type { WrappingKeys } from "../adapters/kms/decrypt.ts";
import { type KmsTokenCipher, kmsTokenCipher } from "../adapters/kms/token-cipher.ts";
import type { TokenCipherConfig } from "./config.ts";

export interface TokenCipherClients {
  readonly dynamoDb: KmsBranchKeysOptions["table"]["client"];
  readonly kms: WrappingKeys["client"];
}

export function tokenCipher(
  config: TokenCipherConfig,
  { dynamoDb, kms }: TokenCipherClients,
): KmsTokenCipher {
  const { stage, branches } = config;
  const wrapping = { ...wrappingKeys(config, kms), clock };
  const table = { client: dynamoDb, tableName: config.branchKeysTable };
  return kmsTokenCipher({
    ...wrapping,
    branchKeys: kmsBranchKeys({ ...wrapping, table, stage, branches }),
    format: config.tokenFormat,
    keySource: config.tokenKeySource,
  });
}

export const wrappingKeys = (
  { kmsKeyId: keyId, formerKmsKeyIds: formerKeyIds }: TokenCipherConfig,
  client: WrappingKeys["client"],
): WrappingKeys => ({ client, keyId, formerKeyIds });
