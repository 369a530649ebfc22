import type { RefreshEvent } from "./events.ts";

/** Logs and measures the domain's events. Must not throw. */
export interface Telemetry {
  emit(event: RefreshEvent): void;
}
