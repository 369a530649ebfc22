import { rescueRedeliveryMs } from "../domain/model/take-over.ts";
import type { Clock } from "../domain/ports/clock.ts";
import type { TokenSetCommit } from "../domain/ports/connection-store.ts";
import type { RescueTokens } from "../domain/rescue.ts";
import type { Log } from "../telemetry/log.ts";
import { sqsBatchHandler } from "./sqs-batch.ts";

export interface RescueHandlerDependencies {
  readonly rescueTokens: RescueTokens;
  /** @throws an error that names the member at fault, and shows no value */
  readonly parseRecord: (body: string) => TokenSetCommit;
  /** Sets when a message is delivered again, unless it is done before. Undefined: the queue decides. */
  readonly setRedelivery: ((receiptHandle: string, delayMs: number) => Promise<void>) | undefined;
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Log;
}

/**
 * Commits the token sets of a batch. The next delivery is set before each attempt, so that it applies after a
 * timeout of the function as well.
 */
export const rescueHandler = ({
  rescueTokens,
  parseRecord,
  setRedelivery,
  clock,
  log,
}: RescueHandlerDependencies) =>
  sqsBatchHandler({
    parse: parseRecord,
    prepare: async ({ committedAtMs }, receiptHandle) =>
      setRedelivery?.(receiptHandle, rescueRedeliveryMs(committedAtMs, clock.nowMs())),
    work: rescueTokens,
    log,
  });
