import { startDynamoDb } from "../../bin/local/dynamodb.ts";
import { startKms } from "../../bin/local/kms.ts";
import { startSecretsManager } from "../../bin/local/secrets-manager.ts";
import { type LocalTables, startTables, tableNames } from "./local-dynamodb.ts";

export interface LocalAws {
  readonly client: LocalTables["client"];
  readonly kms: Awaited<ReturnType<typeof startKms>>;
  /** The variables with which the functions and the CLI use these stand-ins. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Starts stand-ins for DynamoDB, KMS and Secrets Manager, and creates the tables. */
export async function startLocalAws(): Promise<LocalAws> {
  const [dynamoDb, kms, secrets] = await Promise.all([
    startDynamoDb(),
    startKms(),
    startSecretsManager(),
  ]);
  const tables = await startTables(dynamoDb.endpoint);
  return {
    ...{ client: tables.client, kms },
    environment: {
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      AWS_ENDPOINT_URL_DYNAMODB: dynamoDb.endpoint,
      AWS_ENDPOINT_URL_KMS: kms.endpoint,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.endpoint,
      CONNECTIONS_TABLE: tableNames.connections,
      COORDINATION_TABLE: tableNames.coordination,
      API_KEYS_TABLE: tableNames.apiKeys,
      BRANCH_KEYS_TABLE: tableNames.branchKeys,
      STAGE: "test",
      SECRET_PREFIX: "refresh",
      KMS_KEY_ID: kms.keyId,
      ALLOW_LOOPBACK_PROVIDERS: "true",
    },
    close: async () => {
      await tables.close();
      await Promise.all([dynamoDb, kms, secrets].map((one) => one.close()));
    },
  };
}
