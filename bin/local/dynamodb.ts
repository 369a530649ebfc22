import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";
import { createTableInputs, type TableNames } from "../../functions/adapters/dynamodb/tables.ts";
import { closeServer, listenOnLoopback } from "./loopback.ts";

export interface LocalDynamoDb {
  /** For `AWS_ENDPOINT_URL_DYNAMODB`. */
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Serves DynamoDB on a loopback address. @param directory keeps the tables; default in memory */
export async function startDynamoDb({
  directory,
}: {
  readonly directory?: string;
} = {}): Promise<LocalDynamoDb> {
  const server = dynalite({
    createTableMs: 0,
    ...(directory !== undefined && { path: directory }),
  });
  const endpoint = await listenOnLoopback(server);
  return { endpoint, close: () => closeServer(server) };
}

const tableTimeoutSeconds = 60;

/** Creates the tables that do not exist, and waits until they are active. */
export async function ensureTables(client: DynamoDBClient, names: TableNames): Promise<void> {
  await Promise.all(
    createTableInputs(names).map(async (input) => {
      const { TableName } = input;
      if (await isActive(client, TableName)) return;
      try {
        await client.send(new CreateTableCommand(input));
      } catch (error) {
        // Another process creates it.
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
