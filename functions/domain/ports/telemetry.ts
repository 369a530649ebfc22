import type { RefreshEvent } from "./events.ts";

/** Told of everything worth a log line or a metric. Must not throw. */
export interface Telemetry {
  emit(event: RefreshEvent): void;
}
