/** How one kind of log line is written. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error" | "critical";
  /** For the person who reads the line; queries, alarms and tests name its code, which is stable. */
  readonly message: string;
}

/** The lines that handlers log. The lines of the domain's events are in event-table.ts. */
export const handlerLines = {
  "request.answered": { level: "info", message: "request answered" },
  "request.failed": { level: "error", message: "unexpected error while answering a request" },
  "invocation.answered": { level: "info", message: "direct invocation answered" },
  "invocation.rejected": { level: "error", message: "malformed direct invocation" },
  "invocation.failed": { level: "error", message: "direct invocation failed" },
  "message.rejected": { level: "error", message: "malformed message" },
  "message.unprepared": {
    level: "warn",
    message: "the time of a message's next delivery could not be set, the queue's own applies",
  },
  "message.returned": { level: "error", message: "message returned to its queue" },
  "auth.accepted": { level: "debug", message: "credential accepted" },
  "auth.out_of_scope": { level: "warn", message: "credential lacks the scope" },
  "auth.refused": { level: "warn", message: "credential refused" },
  "auth.unavailable": { level: "error", message: "credential could not be checked" },
} as const satisfies Record<string, LogLine>;
