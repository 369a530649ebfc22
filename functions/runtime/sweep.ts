import { randomUUID } from "node:crypto";
import { dynamoDbClient, sqsClient } from "../adapters/aws/clients.ts";
import { systemClock as clock } from "../adapters/clock/system-clock.ts";
import { dynamoDbDueIndex } from "../adapters/dynamodb/due-index.ts";
import { dynamoDbSweepPositions } from "../adapters/dynamodb/sweep-positions.ts";
import { sqsRefreshQueue } from "../adapters/sqs/refresh-queue.ts";
import { sweep } from "../domain/sweep.ts";
import type { SweepHandlerDependencies } from "../handlers/sweep.ts";
import { sweepConfig } from "./config.ts";
import type { Environment } from "./environment.ts";
import { observers } from "./observers.ts";

/** The dependencies of the sweep function. @throws {InvalidEnvironment} */
export function sweepRuntime(environment: Environment): SweepHandlerDependencies {
  const config = sweepConfig(environment);
  const { telemetry } = observers("sweep", config.logLevel);
  const client = dynamoDbClient();
  const random = Math.random;
  return {
    sweep: sweep({
      index: dynamoDbDueIndex({ client, tableName: config.connectionsTable }),
      positions: dynamoDbSweepPositions({ client, tableName: config.coordinationTable }),
      queue: sqsRefreshQueue({
        client: sqsClient,
        queueUrl: config.refreshQueueUrl,
        clock,
        random,
      }),
      telemetry,
      clock,
      random,
      newLeaseId: randomUUID,
    }),
  };
}
