import { Aws } from "aws-cdk-lib";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { IQueue } from "aws-cdk-lib/aws-sqs";

/** A table and the key that it is encrypted with. */
export interface EncryptedTable {
  readonly table: Table;
  readonly tableKey: IKey;
}

export type ItemAction =
  | "dynamodb:GetItem"
  | "dynamodb:BatchGetItem"
  | "dynamodb:UpdateItem"
  | "dynamodb:DeleteItem";

/** Items of the table itself; its indexes, scans and queries are not for functions that know a key. */
export const useItems = (
  encrypted: EncryptedTable,
  ...actions: readonly ItemAction[]
): PolicyStatement[] => [
  new PolicyStatement({ actions: [...actions], resources: [encrypted.table.tableArn] }),
  openTable(encrypted),
];

/** What an index tells, and no item of its table. */
export const queryIndex = (encrypted: EncryptedTable, indexName: string): PolicyStatement[] => [
  new PolicyStatement({
    actions: ["dynamodb:Query"],
    resources: [`${encrypted.table.tableArn}/index/${indexName}`],
  }),
  openTable(encrypted),
];

/**
 * To read and to write, DynamoDB opens the table's data key in the name of whoever asks.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html#dynamodb-kms-authz
 */
const openTable = ({ table, tableKey }: EncryptedTable): PolicyStatement =>
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

/**
 * Data keys for token sets, and only for a context that names a workspace and a connection, and
 * nothing else. `ForAllValues` alone would let a request without any context pass.
 * https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context-keys
 */
export const useTokenKey = (tokenKey: IKey): PolicyStatement =>
  new PolicyStatement({
    actions: ["kms:GenerateDataKey", "kms:Decrypt"],
    resources: [tokenKey.keyArn],
    conditions: {
      StringLike: {
        "kms:EncryptionContext:workspace_id": "?*",
        "kms:EncryptionContext:connection_id": "?*",
      },
      "ForAllValues:StringEquals": {
        "kms:EncryptionContextKeys": ["workspace_id", "connection_id"],
      },
    },
  });

/** Client registrations: all secrets below the prefix, under which nothing else is kept. */
export const readSecrets = (secretPrefix: string): PolicyStatement =>
  new PolicyStatement({
    actions: ["secretsmanager:GetSecretValue"],
    resources: [
      `arn:${Aws.PARTITION}:secretsmanager:${Aws.REGION}:${Aws.ACCOUNT_ID}:secret:${secretPrefix}/*`,
    ],
  });

export const sendTo = (queue: IQueue): PolicyStatement =>
  new PolicyStatement({ actions: ["sqs:SendMessage"], resources: [queue.queueArn] });

/** To ask how long the queue is, too. */
export const fill = (queue: IQueue): PolicyStatement =>
  new PolicyStatement({
    actions: ["sqs:SendMessage", "sqs:GetQueueAttributes"],
    resources: [queue.queueArn],
  });

/**
 * Lambda polls a queue in the name of the function that works on it.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-lambda-function-trigger.html
 */
export const workOn = (queue: IQueue): PolicyStatement =>
  new PolicyStatement({
    actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    resources: [queue.queueArn],
  });

/** Its latest version, and no other. */
export const invoke = (target: IFunction): PolicyStatement =>
  new PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: [target.functionArn] });
