import { channel } from "node:diagnostics_channel";
import type { RefreshEvent } from "../domain/ports/events.ts";
import type { Telemetry } from "../domain/ports/telemetry.ts";
import { requestScope } from "../telemetry/request-scope.ts";
import { createLogger, createMetrics, type Log, logTo, telemetry } from "../telemetry/telemetry.ts";
import type { LogLevel } from "./config.ts";

/** What a subscriber of {@link eventChannel} is handed. */
export interface PublishedEvent {
  /** `api`, `worker`, `sweep`, `rescue`. */
  readonly service: string;
  readonly event: RefreshEvent;
}

/** For who runs the functions in a process of their own, and would rather be told than read the log. */
export const eventChannel = channel("oauth-token-refresh.event");

/** Log and metrics of one function. */
export function observers(
  service: string,
  logLevel: LogLevel,
): { readonly log: Log; readonly telemetry: Telemetry } {
  const log = logTo(createLogger({ service, logLevel, ids: () => requestScope.getStore() }));
  const told = telemetry({ log, metrics: createMetrics(service) });
  return {
    log,
    telemetry: {
      emit(event) {
        told.emit(event);
        if (eventChannel.hasSubscribers) eventChannel.publish({ service, event });
      },
    },
  };
}
