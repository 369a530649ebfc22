import { channel } from "node:diagnostics_channel";
import { rescueRecord } from "../adapters/rescue/rescue-record.ts";
import type { RefreshEvent } from "../domain/ports/events.ts";
import type { Telemetry } from "../domain/ports/telemetry.ts";
import { createLogger, type Log, type LogLevel, logTo } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { requestScope } from "../telemetry/request-scope.ts";
import { telemetry } from "../telemetry/telemetry.ts";

/** A message of {@link eventChannel}. */
export interface PublishedEvent {
  /** `api`, `worker`, `sweep`, `rescue`. */
  readonly service: string;
  readonly event: RefreshEvent;
}

/** Every event, for a process that runs the functions in itself and would otherwise have to parse the log. */
export const eventChannel = channel("oauth-token-refresh.event");

/** Log and telemetry of one function. */
export function observers(
  service: string,
  logLevel: LogLevel,
): { readonly log: Log; readonly telemetry: Telemetry } {
  const log = logTo(createLogger({ service, logLevel, ids: () => requestScope.getStore() }));
  const observed = telemetry({ log, metrics: createMetrics(service), rescueRecord });
  return {
    log,
    telemetry: {
      emit(event) {
        observed.emit(event);
        if (eventChannel.hasSubscribers) eventChannel.publish({ service, event });
      },
    },
  };
}
