import type { AddressInfo } from "node:net";
import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";
import { createTableInputs, type TableNames } from "../../functions/adapters/tables.ts";

export interface LocalDynamoDb {
  /** For `AWS_ENDPOINT_URL_DYNAMODB`. */
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Serves DynamoDB on a loopback address. Without a directory the tables end with the process. */
export async function startDynamoDb({
  directory,
}: {
  readonly directory?: string;
} = {}): Promise<LocalDynamoDb> {
  const server = dynalite({
    createTableMs: 0,
    ...(directory !== undefined && { path: directory }),
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const tableTimeoutSeconds = 60;

/** Creates the tables that are not there, and waits until they can be used. */
export async function ensureTables(client: DynamoDBClient, names: TableNames): Promise<void> {
  await Promise.all(
    createTableInputs(names).map(async (input) => {
      const { TableName } = input;
      if (await isActive(client, TableName)) return;
      try {
        await client.send(new CreateTableCommand(input));
      } catch (error) {
        // Somebody else creates it.
        if (!(error instanceof ResourceInUseException)) throw error;
      }
      const wait = { client, maxWaitTime: tableTimeoutSeconds, minDelay: 0.1, maxDelay: 2 };
      if (!(await isActive(client, TableName))) await waitUntilTableExists(wait, { TableName });
    }),
  );
}

async function isActive(client: DynamoDBClient, TableName: string | undefined): Promise<boolean> {
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    return Table?.TableStatus === "ACTIVE";
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return false;
    throw error;
  }
}
