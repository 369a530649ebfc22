import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { AwsError, startAwsJsonServer } from "../../bin/local/aws-json-server.ts";
import { localDynamoDbClient } from "./local-aws-clients.ts";

export interface ThrottledDynamoDb {
  readonly client: DynamoDBClient;
  close(): Promise<void>;
}

/** Starts a DynamoDB that throttles every request for an item or an index. */
export async function startThrottledDynamoDb(): Promise<ThrottledDynamoDb> {
  const throttle = (): never => {
    throw new AwsError("ProvisionedThroughputExceededException", "too many requests");
  };
  const server = await startAwsJsonServer({
    targetPrefix: "DynamoDB_20120810",
    operations: {
      ...{ GetItem: throttle, BatchGetItem: throttle, UpdateItem: throttle, DeleteItem: throttle },
      ...{ Query: throttle, Scan: throttle },
    },
  });
  const client = localDynamoDbClient(server.endpoint);
  return {
    client,
    async close() {
      client.destroy();
      await server.close();
    },
  };
}
