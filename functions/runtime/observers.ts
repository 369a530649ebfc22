import type { LogLevel } from "../config.ts";
import type { Journal } from "../domain/ports.ts";
import { requestScope } from "../request-scope.ts";
import { createLogger, createMetrics, journal, type Log, logTo } from "../telemetry.ts";

/** Log and metrics of one function. */
export function observers(
  service: string,
  logLevel: LogLevel,
): { readonly log: Log; readonly journal: Journal } {
  const log = logTo(createLogger({ service, logLevel, ids: () => requestScope.getStore() }));
  return { log, journal: journal({ log, metrics: createMetrics(service) }) };
}
