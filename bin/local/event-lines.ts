import { refreshErrors } from "../../functions/domain/model/errors.ts";
import type { RefreshEvent } from "../../functions/domain/ports/events.ts";
import type { PublishedEvent } from "../../functions/runtime/observers.ts";

/**
 * One line for what the schedule does: `12:00:05  schedule  conn_demo  refreshed, good until 12:02:05`.
 * Undefined: nothing that a person would want to read, or the gateway's own line tells it.
 */
export function eventLine({ service, event }: PublishedEvent, now: Date): string | undefined {
  if (service === "api") return undefined;
  const told = wordsFor(event);
  if (told === undefined) return undefined;
  const source = service === "rescue" ? "rescue" : "schedule";
  return [timeOf(now), source, subjectOf(event), told].filter(Boolean).join("  ");
}

const timeOf = (instant: Date): string => instant.toTimeString().slice(0, 8);

function subjectOf(event: RefreshEvent): string {
  if ("connectionId" in event) return event.connectionId;
  return "registrationName" in event ? event.registrationName : "";
}

function wordsFor(event: RefreshEvent): string | undefined {
  switch (event.code) {
    case "refresh.refreshed":
      return event.expiresAtMs === undefined
        ? "refreshed"
        : `refreshed, good until ${timeOf(new Date(event.expiresAtMs))}`;
    case "refresh.coalesced":
      return "refreshed by somebody else";
    case "schedule.out_of_date":
      return "no longer due";
    case "refresh.failed":
      return `failed: ${event.failure}. ${event.reason ?? refreshErrors[event.failure].detail}`;
    case "schedule.postponed":
      return `put off: ${event.reason}`;
    case "integration.held":
      return `held until ${timeOf(new Date(event.untilMs))}: ${event.reason}`;
    case "integration.recovered":
      return "well again";
    case "sweep.ended":
      return event.enqueued === 0 ? undefined : `${event.enqueued} due`;
    case "sweep.caught_up":
      return `${event.enqueued} lost on the way, enqueued again`;
    case "rescue.committed":
      return "rescued token set committed";
    case "commit.rescued":
      return "not committed, token set rescued";
    default:
      return undefined;
  }
}
