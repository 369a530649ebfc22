import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { isoSecond } from "../../domain/model/instant.ts";
import { type DynamoDbTable, getItem, unlessConditionFails } from "./table-requests.ts";
import { branchKeyKey } from "./tables.ts";

/** An item of the table of branch keys. It is never changed or deleted. */
export interface WrappedBranchKey {
  /** KMS's `CiphertextBlob`. */
  readonly wrapped: Uint8Array;
  /** The ARN of the KMS key that wrapped it, for people. */
  readonly kmsKeyArn: string;
  readonly createdAtMs: number;
}

/** Strongly consistent. @throws {StoreUnavailable} */
export async function readBranchKey(
  table: DynamoDbTable,
  id: string,
): Promise<Uint8Array | undefined> {
  const item = await getItem(table, { [branchKeyKey]: { S: id } });
  return item?.wrapped_key?.B;
}

/**
 * Stores a branch key unless one with this id is stored.
 * @returns whether it was stored
 * @throws {StoreUnavailable}
 */
export async function addBranchKey(
  { client, tableName }: DynamoDbTable,
  id: string,
  { wrapped, kmsKeyArn, createdAtMs }: WrappedBranchKey,
): Promise<boolean> {
  const command = new PutItemCommand({
    TableName: tableName,
    Item: {
      [branchKeyKey]: { S: id },
      wrapped_key: { B: wrapped },
      kms_key_arn: { S: kmsKeyArn },
      created_at: { S: isoSecond(createdAtMs) },
    },
    ConditionExpression: `attribute_not_exists(${branchKeyKey})`,
  });
  return (await unlessConditionFails(() => client.send(command))) !== undefined;
}
