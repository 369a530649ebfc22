import type { RefreshEvent } from "../domain/ports/events.ts";

type RequestCode =
  | "request.answered"
  | "request.failed"
  | "invocation.answered"
  | "invocation.rejected"
  | "invocation.failed"
  | "message.rejected"
  | "message.returned"
  | "auth.accepted"
  | "auth.out_of_scope"
  | "auth.refused"
  | "auth.unavailable";

export type LogCode = RefreshEvent["code"] | RequestCode;

interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error" | "critical";
  readonly message: string;
}

/**
 * Every line that this service logs. A code is stable: queries, alarms and tests name it; the message
 * is for the person who reads the line.
 */
export const logLines = {
  "request.answered": { level: "info", message: "request answered" },
  "request.failed": { level: "error", message: "unexpected error while answering a request" },
  "invocation.answered": { level: "info", message: "direct invocation answered" },
  "invocation.rejected": { level: "error", message: "malformed direct invocation" },
  "invocation.failed": { level: "error", message: "direct invocation failed" },
  "auth.accepted": { level: "debug", message: "credential accepted" },
  "auth.out_of_scope": { level: "warn", message: "credential lacks the scope" },
  "auth.refused": { level: "warn", message: "credential refused" },
  "auth.unavailable": { level: "error", message: "credential could not be checked" },
  "refresh.refreshed": { level: "info", message: "token refreshed" },
  "refresh.coalesced": { level: "info", message: "answered with another call's refresh" },
  "refresh.still_valid": { level: "info", message: "token lives long enough" },
  "refresh.failed": { level: "warn", message: "refresh failed" },
  "token_request.retried": {
    level: "warn",
    message: "provider did not take the request, asking again",
  },
  "client.reread": { level: "warn", message: "client rejected, its secret is read again" },
  "integration.held": { level: "error", message: "integration is in trouble and held" },
  "integration.probed": { level: "info", message: "integration's hold has ended, trying once" },
  "integration.recovered": { level: "info", message: "integration is well again" },
  "schedule.postponed": { level: "info", message: "due later, the provider was not asked" },
  "schedule.out_of_date": { level: "info", message: "no longer due" },
  "sweep.ended": { level: "info", message: "what is due is enqueued" },
  "sweep.interrupted": { level: "warn", message: "sweep interrupted, the next one resumes it" },
  "sweep.caught_up": { level: "warn", message: "what was lost on the way is enqueued again" },
  "message.rejected": { level: "error", message: "malformed message" },
  "message.returned": { level: "error", message: "message returned to its queue" },
  "lease.lost": { level: "warn", message: "lease ran out before the refresh ended" },
  "lease.unreleased": {
    level: "warn",
    message: "lease could not be released and runs out by itself",
  },
  "failure.unrecorded": { level: "warn", message: "failure could not be recorded" },
  "credentials.unreadable": { level: "error", message: "stored credentials cannot be opened" },
  "commit.retried": { level: "warn", message: "commit failed, trying again" },
  "commit.superseded": { level: "warn", message: "another holder committed first" },
  "commit.rescued": { level: "error", message: "token set could not be committed and was rescued" },
  "commit.last_resort": {
    level: "critical",
    message: "token set is kept in this line alone: commit it with `admin rescue`",
  },
  "rescue.committed": { level: "info", message: "rescued token set committed" },
  "rescue.superseded": {
    level: "warn",
    message: "rescued token set came after another, and is kept in this line",
  },
  "rescue.absent": { level: "warn", message: "rescued token set is of a connection that is gone" },
} as const satisfies Record<LogCode, LogLine>;
