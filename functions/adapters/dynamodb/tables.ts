import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";

export const connectionKey = "connection_id";
/** Epoch seconds; DynamoDB removes what a delete has left some time after. */
export const connectionTimeToLive = "remove_after";
/** A sparse index: it holds the scheduled connections alone. It projects the members of a worker's message. */
export const dueIndex = {
  name: "due",
  hashKey: "refresh_shard",
  rangeKey: "refresh_at",
  projected: ["workspace_id", "integration"],
} as const;
export const apiKeyKey = "key_hash";
/** Epoch seconds. DynamoDB removes an expired key some time later. */
export const apiKeyTimeToLive = "expires_at";

export const branchKeyKey = "branch_key_id";

export const coordinationKey = "item_id";
/** Epoch seconds. DynamoDB removes an item some time after it. */
export const coordinationTimeToLive = "expires_at";

export interface TableNames {
  readonly connections: string;
  readonly apiKeys: string;
  readonly coordination: string;
  readonly branchKeys: string;
}

/** The tables as the stack defines them, for the stand-in of DynamoDB. */
export const createTableInputs = ({
  connections,
  apiKeys,
  coordination,
  branchKeys,
}: TableNames): readonly CreateTableCommandInput[] => [
  {
    TableName: connections,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: connectionKey, AttributeType: "S" },
      { AttributeName: dueIndex.hashKey, AttributeType: "N" },
      { AttributeName: dueIndex.rangeKey, AttributeType: "N" },
    ],
    KeySchema: [{ AttributeName: connectionKey, KeyType: "HASH" }],
    GlobalSecondaryIndexes: [
      {
        IndexName: dueIndex.name,
        KeySchema: [
          { AttributeName: dueIndex.hashKey, KeyType: "HASH" },
          { AttributeName: dueIndex.rangeKey, KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: [...dueIndex.projected] },
      },
    ],
  },
  {
    TableName: apiKeys,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: apiKeyKey, AttributeType: "S" }],
    KeySchema: [{ AttributeName: apiKeyKey, KeyType: "HASH" }],
  },
  {
    TableName: coordination,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: coordinationKey, AttributeType: "S" }],
    KeySchema: [{ AttributeName: coordinationKey, KeyType: "HASH" }],
  },
  {
    TableName: branchKeys,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [{ AttributeName: branchKeyKey, AttributeType: "S" }],
    KeySchema: [{ AttributeName: branchKeyKey, KeyType: "HASH" }],
  },
];
