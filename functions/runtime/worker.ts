import { dynamoDbConnectionStore } from "../adapters/dynamodb-connection-store.ts";
import { gatheredReads } from "../adapters/dynamodb-gathered-reads.ts";
import { parseRefreshMessage } from "../adapters/refresh-message.ts";
import { type Environment, workerConfig } from "../config.ts";
import { refreshConnection } from "../domain/refresh.ts";
import { refreshDue } from "../domain/worker.ts";
import type { WorkerHandlerDependencies } from "../handlers/worker.ts";
import { observers } from "./observers.ts";
import { refreshDependencies } from "./refresh.ts";

/** What the worker function runs on. @throws {InvalidEnvironment} */
export function workerRuntime(environment: Environment): WorkerHandlerDependencies {
  const config = workerConfig(environment);
  const { log, journal } = observers("worker", config.logLevel);
  const dependencies = refreshDependencies(config, journal, (table) => ({
    ...dynamoDbConnectionStore(table),
    // The messages of a batch begin together.
    read: gatheredReads(table),
  }));
  return {
    refreshDue: refreshDue({ ...dependencies, refreshConnection: refreshConnection(dependencies) }),
    parseMessage: parseRefreshMessage,
    concurrency: config.concurrency,
    log,
  };
}
