import type { Log, LogCode } from "../../functions/telemetry/log.ts";

export interface RecordedLine {
  readonly code: LogCode;
  readonly members: Readonly<Record<string, unknown>>;
}

/** A log that keeps its lines as they are passed to it. */
export function recordedLog(): { readonly log: Log; readonly lines: readonly RecordedLine[] } {
  const lines: RecordedLine[] = [];
  return { lines, log: (code, members = {}) => void lines.push({ code, members }) };
}
