import type { TokenSetCommit } from "../domain/ports/connection-store.ts";
import type { RescueTokens } from "../domain/rescue.ts";
import type { Log } from "../telemetry/log.ts";
import { sqsBatchHandler } from "./sqs-batch.ts";

export interface RescueHandlerDependencies {
  readonly rescueTokens: RescueTokens;
  /** @throws an error that names the member at fault, and shows no value */
  readonly parseRecord: (body: string) => TokenSetCommit;
  readonly log: Log;
}

/** Commits the token sets of a batch. */
export const rescueHandler = ({ rescueTokens, parseRecord, log }: RescueHandlerDependencies) =>
  sqsBatchHandler({ parse: parseRecord, work: rescueTokens, log });
