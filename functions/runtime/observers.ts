import { channel } from "node:diagnostics_channel";
import type { LogLevel } from "../config.ts";
import type { RefreshEvent } from "../domain/events.ts";
import type { Journal } from "../domain/ports.ts";
import { requestScope } from "../request-scope.ts";
import { createLogger, createMetrics, journal, type Log, logTo } from "../telemetry.ts";

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
): { readonly log: Log; readonly journal: Journal } {
  const log = logTo(createLogger({ service, logLevel, ids: () => requestScope.getStore() }));
  const told = journal({ log, metrics: createMetrics(service) });
  return {
    log,
    journal: {
      record(event) {
        told.record(event);
        if (eventChannel.hasSubscribers) eventChannel.publish({ service, event });
      },
    },
  };
}
