import { LogFormatter, Logger, LogItem } from "@aws-lambda-powertools/logger";
import type { LogAttributes, UnformattedAttributes } from "@aws-lambda-powertools/logger/types";
import { eventTable } from "./event-table.ts";
import { handlerLines, type LogLine } from "./log-lines.ts";
import { redact } from "./redaction.ts";
import type { RequestIds } from "./request-scope.ts";

export const logLevels = ["DEBUG", "INFO", "WARN", "ERROR"] as const;
export type LogLevel = (typeof logLevels)[number];

export type LogCode = keyof typeof handlerLines | keyof typeof eventTable;

/** Every line that this service logs, by its code. */
export const logLines: Readonly<Record<LogCode, LogLine>> = { ...handlerLines, ...eventTable };

/** Writes one line. Members are redacted; an error goes under the name `error`. */
export type Log = (code: LogCode, members?: Readonly<Record<string, unknown>>) => void;

export interface LoggerOptions {
  readonly service: string;
  readonly logLevel: LogLevel;
  /** The ids of the request that the process works for at this moment, if any. */
  readonly ids: () => RequestIds | undefined;
}

/** Writes one JSON object a line, on stdout or (errors) stderr. The member `code` names the kind of line. */
export function createLogger({ service, logLevel, ids }: LoggerOptions): Logger {
  return new Logger({ serviceName: service, logLevel, logFormatter: new RedactingFormatter(ids) });
}

/** The shape of a line, and the one place where it is redacted. */
class RedactingFormatter extends LogFormatter {
  readonly #ids: LoggerOptions["ids"];

  constructor(ids: LoggerOptions["ids"]) {
    super();
    this.#ids = ids;
  }

  override formatAttributes(line: UnformattedAttributes, members: LogAttributes): LogItem {
    const ids = this.#ids();
    const attributes = {
      level: line.logLevel,
      timestamp: line.timestamp.toISOString(),
      service: line.serviceName,
      request_id: ids?.requestId,
      lambda_request_id: ids?.lambdaRequestId,
      xray_trace_id: line.xRayTraceId,
      message: line.message,
    };
    // First and last: these members lead the line, and no other member can replace them.
    return new LogItem({ attributes: redact({ ...attributes, ...members, ...attributes }) });
  }
}

export const logTo =
  (logger: Logger): Log =>
  (code, members = {}) => {
    const { level, message } = logLines[code];
    logger[level](message, { code, ...members });
  };
