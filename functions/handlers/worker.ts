import type { DueConnection } from "../domain/ports/schedule.ts";
import type { RefreshDue } from "../domain/scheduled-refresh.ts";
import type { Log } from "../telemetry/log.ts";
import { sqsBatchHandler } from "./sqs-batch.ts";

export interface WorkerHandlerDependencies {
  readonly refreshDue: RefreshDue;
  /** @throws an error that names the member at fault, and shows no value */
  readonly parseMessage: (body: string) => DueConnection;
  /** How many messages are worked on at a time. */
  readonly concurrency: number;
  readonly log: Log;
}

/** Refreshes the connections that the messages of a batch name. */
export const workerHandler = ({
  refreshDue,
  parseMessage,
  concurrency,
  log,
}: WorkerHandlerDependencies) =>
  sqsBatchHandler({ parse: parseMessage, work: refreshDue, concurrency, log });
