import { refreshErrors } from "../../functions/domain/model/errors.ts";
import type { RefreshEvent } from "../../functions/domain/ports/events.ts";
import type { PublishedEvent } from "../../functions/runtime/observers.ts";

/**
 * One line for an event of the schedule: `12:00:05  schedule  conn_demo  refreshed, expires at 12:02:05`. Undefined: the
 * event is of no interest to a person, or the gateway logs it.
 */
export function eventLine({ service, event }: PublishedEvent, now: Date): string | undefined {
  if (service === "api") return undefined;
  const text = textFor(event);
  if (text === undefined) return undefined;
  const source = service === "rescue" ? "rescue" : "schedule";
  return [timeOf(now), source, subjectOf(event), text].filter(Boolean).join("  ");
}

const timeOf = (instant: Date): string => instant.toTimeString().slice(0, 8);

function subjectOf(event: RefreshEvent): string {
  if ("connectionId" in event) return event.connectionId;
  return "registrationName" in event ? event.registrationName : "";
}

function textFor(event: RefreshEvent): string | undefined {
  switch (event.code) {
    case "refresh.refreshed":
      return event.expiresAtMs === undefined
        ? "refreshed"
        : `refreshed, expires at ${timeOf(new Date(event.expiresAtMs))}`;
    case "refresh.coalesced":
      return "refreshed by another caller";
    case "schedule.out_of_date":
      return "no longer due";
    case "refresh.failed":
      return `failed: ${event.failure}. ${event.reason ?? refreshErrors[event.failure].detail}`;
    case "schedule.postponed":
      return `postponed: ${event.reason}`;
    case "integration.held":
      return `held until ${timeOf(new Date(event.hold.untilMs))}: ${event.hold.reason}`;
    case "integration.recovered":
      return "recovered";
    case "sweep.ended":
      return event.enqueued === 0 ? undefined : `${event.enqueued} due`;
    case "sweep.caught_up":
      return `${event.enqueued} enqueued again, their messages were lost`;
    case "rescue.committed":
      return "rescued token set committed";
    case "commit.rescued":
      return "not committed, token set sent to the rescue queue";
    default:
      return undefined;
  }
}
