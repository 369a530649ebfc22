import type { RefreshEvent } from "../../functions/domain/ports/events.ts";
import type { Telemetry } from "../../functions/domain/ports/telemetry.ts";

type EventCounts = ReadonlyMap<string, number>;

/** Counts the domain's events by code; also holds by registration, and failures by integration. */
export function eventCounts(): { readonly telemetry: Telemetry; readonly counts: EventCounts } {
  const counts = new Map<string, number>();
  const count = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  const emit = (event: RefreshEvent): void => {
    count(event.code);
    if (event.code === "refresh.failed") count(`${event.code} ${event.integration}`);
    if (event.code === "integration.held") count(`${event.code} ${event.registrationName}`);
  };
  return { telemetry: { emit }, counts };
}
