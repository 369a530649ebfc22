import { Aws } from "aws-cdk-lib";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import {
  branchContextKeys,
  branchKeyPurpose,
  connectionContextKeys,
  rebindContextKeys,
  rebindPurpose,
} from "../functions/adapters/kms/encryption-context.ts";

/** A table and the key that encrypts it. */
export interface EncryptedTable {
  readonly table: Table;
  readonly tableKey: IKey;
}

export type ItemAction =
  | "dynamodb:GetItem"
  | "dynamodb:BatchGetItem"
  | "dynamodb:PutItem"
  | "dynamodb:UpdateItem"
  | "dynamodb:DeleteItem";

/** Permits single items of the table by their keys: no index, no scan, no query. */
export const accessItems = (
  encrypted: EncryptedTable,
  ...actions: readonly ItemAction[]
): PolicyStatement[] => [
  new PolicyStatement({ actions: [...actions], resources: [encrypted.table.tableArn] }),
  decryptTable(encrypted),
];

/** Permits an index's projection, and no item of its table. */
export const queryIndex = (encrypted: EncryptedTable, indexName: string): PolicyStatement[] => [
  new PolicyStatement({
    actions: ["dynamodb:Query"],
    resources: [`${encrypted.table.tableArn}/index/${indexName}`],
  }),
  decryptTable(encrypted),
];

/**
 * DynamoDB decrypts the table's data key on behalf of the caller, to read and to write.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html#dynamodb-kms-authz
 */
const decryptTable = ({ table, tableKey }: EncryptedTable): PolicyStatement =>
  new PolicyStatement({
    actions: ["kms:Decrypt"],
    resources: [tableKey.keyArn],
    conditions: {
      StringEquals: {
        "kms:ViaService": `dynamodb.${Aws.REGION}.${Aws.URL_SUFFIX}`,
        "kms:EncryptionContext:aws:dynamodb:tableName": table.tableName,
      },
    },
  });

/** The KMS keys that encrypt the keys of token sets. */
export interface TokenKeys {
  readonly tokenKey: IKey;
  /** KMS keys that were token keys before. */
  readonly formerTokenKeyArns: readonly string[];
  readonly stage: string;
}

/**
 * Permits new keys for token sets: data keys under an encryption context that names a workspace, a connection and
 * nothing else, and branch keys, whose plaintext KMS does not return. `ForAllValues` alone would permit a request
 * without a context.
 * https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context-keys
 */
export const sealTokenSets = ({ tokenKey, stage }: TokenKeys): PolicyStatement[] => [
  new PolicyStatement({
    actions: ["kms:GenerateDataKey"],
    resources: [tokenKey.keyArn],
    conditions: ofConnection,
  }),
  new PolicyStatement({
    actions: ["kms:GenerateDataKeyWithoutPlaintext"],
    resources: [tokenKey.keyArn],
    conditions: ofBranch(stage),
  }),
];

/** Permits the decryption of these keys, and of nothing else that the token key encrypts. */
export const openTokenSets = ({
  tokenKey,
  formerTokenKeyArns,
  stage,
}: TokenKeys): PolicyStatement[] => {
  const resources = [tokenKey.keyArn, ...formerTokenKeyArns];
  return [ofConnection, ofBranch(stage)].map(
    (conditions) => new PolicyStatement({ actions: ["kms:Decrypt"], resources, conditions }),
  );
};

/** Permits to verify an operator's permission to send tokens elsewhere, and not to give one. */
export const verifyRebinds = ({
  tokenKey,
  formerTokenKeyArns,
  stage,
}: TokenKeys): PolicyStatement =>
  new PolicyStatement({
    actions: ["kms:Decrypt"],
    resources: [tokenKey.keyArn, ...formerTokenKeyArns],
    conditions: ofPurpose(rebindPurpose, stage, rebindContextKeys),
  });

const ofConnection = {
  StringLike: {
    "kms:EncryptionContext:workspace_id": "?*",
    "kms:EncryptionContext:connection_id": "?*",
  },
  "ForAllValues:StringEquals": {
    "kms:EncryptionContextKeys": [...connectionContextKeys],
  },
};

const ofBranch = (stage: string) => ofPurpose(branchKeyPurpose, stage, branchContextKeys);

const ofPurpose = (purpose: string, stage: string, contextKeys: readonly string[]) => ({
  StringEquals: {
    "kms:EncryptionContext:purpose": purpose,
    "kms:EncryptionContext:stage": stage,
  },
  "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": [...contextKeys] },
});

/** Permits the client registrations: all secrets below the prefix, where nothing else is kept. */
export const readSecrets = (secretPrefix: string): PolicyStatement =>
  new PolicyStatement({
    actions: ["secretsmanager:GetSecretValue"],
    resources: [
      `arn:${Aws.PARTITION}:secretsmanager:${Aws.REGION}:${Aws.ACCOUNT_ID}:secret:${secretPrefix}/*`,
    ],
  });

export const sendMessages = (queue: IQueue): PolicyStatement =>
  new PolicyStatement({ actions: ["sqs:SendMessage"], resources: [queue.queueArn] });

/** Permits the queue's length as well. */
export const sendAndCountMessages = (queue: IQueue): PolicyStatement =>
  new PolicyStatement({
    actions: ["sqs:SendMessage", "sqs:GetQueueAttributes"],
    resources: [queue.queueArn],
  });

/**
 * Lambda polls a queue with the role of the function that consumes it.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-lambda-function-trigger.html
 */
export const consumeMessages = (queue: IQueue): PolicyStatement =>
  new PolicyStatement({
    actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    resources: [queue.queueArn],
  });

/** Permits a consumer to set the time at which a received message becomes visible again. */
export const postponeMessages = (queue: IQueue): PolicyStatement =>
  new PolicyStatement({ actions: ["sqs:ChangeMessageVisibility"], resources: [queue.queueArn] });

/** Permits the latest version, and no other. */
export const invoke = (target: IFunction): PolicyStatement =>
  new PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: [target.functionArn] });
