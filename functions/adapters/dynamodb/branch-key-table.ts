import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import { isoSecond } from "../../domain/model/instant.ts";
import { asStoreUnavailable } from "../aws/clients.ts";
import { branchKeyKey } from "./tables.ts";

/** The table of branch keys, each as KMS wrapped it. An item is never changed or deleted. */
export interface BranchKeyTable {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export interface WrappedBranchKey {
  /** KMS's `CiphertextBlob`. */
  readonly wrapped: Uint8Array;
  /** The ARN of the KMS key that wrapped it, for people. */
  readonly kmsKeyArn: string;
  readonly createdAtMs: number;
}

/** Strongly consistent. @throws {StoreUnavailable} */
export async function readBranchKey(
  { client, tableName }: BranchKeyTable,
  id: string,
): Promise<Uint8Array | undefined> {
  const command = new GetItemCommand({
    TableName: tableName,
    Key: { [branchKeyKey]: { S: id } },
    ConsistentRead: true,
  });
  const { Item } = await asStoreUnavailable("DynamoDB", () => client.send(command));
  return Item?.wrapped_key?.B;
}

/**
 * Stores a branch key unless one with this id is stored.
 * @returns whether it was stored
 * @throws {StoreUnavailable}
 */
export async function addBranchKey(
  { client, tableName }: BranchKeyTable,
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
  try {
    await asStoreUnavailable("DynamoDB", () => client.send(command));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
