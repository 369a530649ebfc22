import { batchedReads } from "../adapters/dynamodb/batched-reads.ts";
import { dynamoDbConnectionStore } from "../adapters/dynamodb/connection-store.ts";
import { parseRefreshMessage } from "../adapters/sqs/refresh-message.ts";
import { refreshConnection } from "../domain/refresh.ts";
import { refreshDue } from "../domain/scheduled-refresh.ts";
import type { WorkerHandlerDependencies } from "../handlers/worker.ts";
import { workerConfig } from "./config.ts";
import type { Environment } from "./environment.ts";
import { observers } from "./observers.ts";
import { refreshDependencies } from "./refresh.ts";

/** The dependencies of the worker function. @throws {InvalidEnvironment} */
export function workerRuntime(environment: Environment): WorkerHandlerDependencies {
  const config = workerConfig(environment);
  const { log, telemetry } = observers("worker", config.logLevel);
  const dependencies = refreshDependencies(config, telemetry, (table) => ({
    ...dynamoDbConnectionStore(table),
    // The messages of a batch begin together.
    read: batchedReads(table),
  }));
  return {
    refreshDue: refreshDue({ ...dependencies, refreshConnection: refreshConnection(dependencies) }),
    parseMessage: parseRefreshMessage,
    concurrency: config.concurrency,
    log,
  };
}
