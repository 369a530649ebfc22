import type { Server, ServerResponse } from "node:http";
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
import { logFailedWrite } from "./private-file.ts";

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
  const outlive = directory === undefined ? undefined : outliveFailedWrites(server, directory);
  const endpoint = await listenOnLoopback(server);
  return {
    endpoint,
    async close() {
      await closeServer(server);
      outlive?.stop();
    },
  };
}

/**
 * Where it cannot write, to a full disk for instance, dynalite throws out of a callback, which would end the process and
 * every refresh in progress with its tokens. Instead, its requests in progress fail.
 */
function outliveFailedWrites(server: Server, directory: string): { stop(): void } {
  const inProgress = new Set<ServerResponse>();
  server.prependListener("request", (_, response) => {
    inProgress.add(response);
    response.once("close", () => inProgress.delete(response));
  });
  const onError = (error: Error & { code?: unknown }): void => {
    if (!String(error.code).startsWith("LEVEL_")) {
      console.error(error);
      process.exit(1);
    }
    logFailedWrite(directory, error, "the requests in progress fail. Free space on its disk");
    for (const response of inProgress) response.destroy();
  };
  process.on("uncaughtException", onError);
  return { stop: () => process.off("uncaughtException", onError) };
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
