import type { Metrics } from "@aws-lambda-powertools/metrics";
import type { TokenSetCommit } from "../domain/ports/connection-store.ts";
import type { RefreshEvent } from "../domain/ports/events.ts";
import type { Telemetry } from "../domain/ports/telemetry.ts";
import { eventTable } from "./event-table.ts";
import type { Log } from "./log.ts";
import { type Measurement, publish } from "./metrics.ts";

export interface TelemetryOptions {
  readonly log: Log;
  readonly metrics: Metrics;
  /** The record of last resort, in the form from which `admin rescue` commits it. */
  readonly rescueRecord: (commit: TokenSetCommit) => object;
}

/** Logs and measures the domain's events. Never throws: a refresh must not fail because it is not observed. */
export const telemetry = ({ log, metrics, rescueRecord }: TelemetryOptions): Telemetry => ({
  emit(event) {
    try {
      const { members, measurements } = described(event);
      const record = event.code === "commit.last_resort" ? rescueRecord(event.commit) : {};
      log(event.code, { ...subjectOf(event), ...members, ...record });
      publish(metrics, measurements);
    } catch {
      // An event that cannot be observed is dropped: nothing could be done about it here.
    }
  },
});

interface Described {
  readonly members: Readonly<Record<string, unknown>>;
  readonly measurements: readonly Measurement[];
}

function described<Event extends RefreshEvent>(event: Event): Described {
  // The table is indexed by the event's own code, which the compiler cannot follow through a union.
  const { members, metrics } = eventTable[event.code] as {
    members(event: RefreshEvent): Described["members"];
    metrics(event: RefreshEvent): Described["measurements"];
  };
  return { members: members(event), measurements: metrics(event) };
}

function subjectOf(event: RefreshEvent): Readonly<Record<string, unknown>> {
  if ("connectionId" in event) {
    return { connection_id: event.connectionId, workspace_id: event.workspaceId };
  }
  return "registrationName" in event ? { registration_name: event.registrationName } : {};
}
