import type { KMSClient } from "@aws-sdk/client-kms";
import { type LocalKms, startKms } from "../../bin/local/kms.ts";
import {
  type KmsBranchKeysOptions,
  kmsBranchKeys,
} from "../../functions/adapters/kms/branch-keys.ts";
import {
  type KmsTokenCipherOptions,
  kmsTokenCipher,
} from "../../functions/adapters/kms/token-cipher.ts";
import type { TokenCipher } from "../../functions/domain/ports/token-cipher.ts";
import { localKmsClient, type ManualClock, manualClock } from "./local-aws-clients.ts";
import { type LocalTables, startTables, tableNames } from "./local-dynamodb.ts";

export type CipherOptions = Partial<KmsTokenCipherOptions> &
  Partial<Pick<KmsBranchKeysOptions, "stage" | "branches" | "table">>;

/** KMS, and a table of branch keys. */
export interface LocalCiphers {
  readonly kms: LocalKms;
  readonly client: KMSClient;
  readonly tables: LocalTables;
  readonly clock: ManualClock;
  /** The encryption of one process: its caches are its own. */
  cipher(options?: CipherOptions): TokenCipher;
  close(): Promise<void>;
}

export async function startLocalCiphers(): Promise<LocalCiphers> {
  const [kms, tables] = await Promise.all([startKms(), startTables()]);
  const client = localKmsClient(kms.endpoint);
  const clock = manualClock();
  return {
    ...{ kms, client, tables, clock },
    cipher({ stage = "test", branches = 16, table, ...options } = {}) {
      const wrapping = { client, keyId: kms.keyId, clock, ...options };
      const branchTable = table ?? { client: tables.client, tableName: tableNames.branchKeys };
      const branchKeys = kmsBranchKeys({ ...wrapping, table: branchTable, stage, branches });
      return kmsTokenCipher({ branchKeys, ...wrapping });
    },
    async close() {
      client.destroy();
      await Promise.all([kms.close(), tables.close()]);
    },
  };
}
