import { LogFormatter, Logger, LogItem } from "@aws-lambda-powertools/logger";
import type { LogAttributes, UnformattedAttributes } from "@aws-lambda-powertools/logger/types";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { rescueRecord } from "../adapters/rescue/rescue-record.ts";
import { isoSecond } from "../domain/model/instant.ts";
import type { RefreshEvent } from "../domain/ports/events.ts";
import type { Telemetry } from "../domain/ports/telemetry.ts";
import type { LogLevel } from "../runtime/config.ts";
import { type LogCode, logLines } from "./log-codes.ts";
import { redact } from "./redaction.ts";
import type { RequestIds } from "./request-scope.ts";

/** Writes one line. Members are redacted; an error goes under the name `error`. */
export type Log = (code: LogCode, members?: Readonly<Record<string, unknown>>) => void;

export interface LoggerOptions {
  readonly service: string;
  readonly logLevel: LogLevel;
  /** Of the request that the process works for at this moment, if any. */
  readonly ids: () => RequestIds | undefined;
}

/** One JSON object a line, on stdout or (errors) stderr: the member `code` tells lines apart. */
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
    // First and last: these members lead the line, and none of the others takes their place.
    return new LogItem({ attributes: redact({ ...attributes, ...members, ...attributes }) });
  }
}

export const logTo =
  (logger: Logger): Log =>
  (code, members = {}) => {
    const { level, message } = logLines[code];
    logger[level](message, { code, ...members });
  };

const metricNamespace = "OAuthTokenRefresh";

/** CloudWatch metrics, each with the dimension `service`; `Failed` also by `service` and `code`. */
const metricNames = {
  refreshed: "Refreshed",
  coalesced: "Coalesced",
  stillValid: "StillValid",
  failed: "Failed",
  /** Milliseconds from the provider's last byte to the acknowledged commit. */
  commitGap: "CommitGap",
  commitRescued: "CommitRescued",
  lastResort: "LastResort",
  /** Integrations that were held, or held for longer. */
  held: "IntegrationHeld",
  postpone: "Postponement",
  /** Connections that a sweep has enqueued. */
  enqueued: "Enqueued",
  /** Connections that were lost on the way and enqueued again. */
  caughtUp: "CaughtUp",
  /** Milliseconds that what is due has waited at the most for its sweep. */
  sweepLag: "SweepLag",
} as const;
export type MetricName = (typeof metricNames)[keyof typeof metricNames];

/** Embedded metric format: one more line on stdout for each event that counts. */
export const createMetrics = (service: string): Metrics =>
  new Metrics({ namespace: metricNamespace, serviceName: service });

export interface TelemetryOptions {
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Log lines and metrics of the domain's events. What cannot be told is not told: it never throws. */
export const telemetry = ({ log, metrics }: TelemetryOptions): Telemetry => ({
  emit(event) {
    try {
      log(event.code, { ...subjectOf(event), ...membersOf(event) });
      count(metrics, event);
    } catch {
      // Whoever refreshes must not fail because it could not be observed.
    }
  },
});

function subjectOf(event: RefreshEvent): Readonly<Record<string, unknown>> {
  if ("connectionId" in event) {
    return { connection_id: event.connectionId, workspace_id: event.workspaceId };
  }
  return "registrationName" in event ? { registration_name: event.registrationName } : {};
}

function membersOf(event: RefreshEvent): Readonly<Record<string, unknown>> {
  switch (event.code) {
    case "refresh.refreshed": {
      const { integration, version, expiresAtMs, rotated, commitGapMs, notes } = event;
      const expires_at = expiresAtMs === undefined ? null : isoSecond(expiresAtMs);
      return { integration, version, expires_at, rotated, commit_gap_ms: commitGapMs, notes };
    }
    case "refresh.failed": {
      const { integration, failure, reason, providerError, providerErrorDescription } = event;
      return {
        integration,
        failure,
        reason,
        provider_error: providerError,
        provider_error_description: providerErrorDescription,
      };
    }
    case "token_request.retried":
      return { reason: event.reason, delay_ms: event.delayMs };
    case "client.reread":
      return { registration_name: event.registrationName };
    case "integration.held":
      return { reason: event.reason, held_until: isoSecond(event.untilMs) };
    case "schedule.postponed":
      return { integration: event.integration, reason: event.reason };
    case "sweep.ended":
      return {
        enqueued: event.enqueued,
        shards_left: event.shardsLeft,
        lag_ms: event.lagMs,
      };
    case "sweep.caught_up":
      return { enqueued: event.enqueued, due: event.due };
    case "sweep.interrupted":
      return { refresh_shard: event.refreshShard, error: event.cause };
    case "lease.unreleased":
    case "failure.unrecorded":
    case "credentials.unreadable":
      return { error: event.cause };
    case "commit.retried":
      return { attempt: event.attempt, error: event.cause };
    case "commit.superseded":
    case "rescue.superseded":
      return { expected_version: event.expectedVersion, credentials: event.credentials };
    case "commit.last_resort":
      return { ...rescueRecord(event.commit) };
    case "rescue.committed":
      return { version: event.version };
    case "refresh.coalesced":
    case "refresh.still_valid":
    case "lease.lost":
    case "commit.rescued":
    case "integration.probed":
    case "integration.recovered":
    case "schedule.out_of_date":
    case "rescue.absent":
      return {};
  }
}

function count(metrics: Metrics, event: RefreshEvent): void {
  switch (event.code) {
    case "refresh.refreshed":
      metrics.addMetric(metricNames.refreshed, MetricUnit.Count, 1);
      metrics.addMetric(metricNames.commitGap, MetricUnit.Milliseconds, event.commitGapMs);
      break;
    case "refresh.coalesced":
      metrics.addMetric(metricNames.coalesced, MetricUnit.Count, 1);
      break;
    case "refresh.still_valid":
      metrics.addMetric(metricNames.stillValid, MetricUnit.Count, 1);
      break;
    case "refresh.failed":
      // The empty set is the total over all codes, beside the count of each.
      metrics.addDimensions({ code: event.failure }).addDimensions({});
      metrics.addMetric(metricNames.failed, MetricUnit.Count, 1);
      break;
    case "integration.held":
      metrics.addMetric(metricNames.held, MetricUnit.Count, 1);
      break;
    case "schedule.postponed":
      metrics.addMetric(metricNames.postpone, MetricUnit.Count, 1);
      break;
    case "sweep.ended":
      metrics.addMetric(metricNames.enqueued, MetricUnit.Count, event.enqueued);
      metrics.addMetric(metricNames.sweepLag, MetricUnit.Milliseconds, event.lagMs);
      break;
    case "sweep.caught_up":
      metrics.addMetric(metricNames.caughtUp, MetricUnit.Count, event.enqueued);
      break;
    case "commit.rescued":
      metrics.addMetric(metricNames.commitRescued, MetricUnit.Count, 1);
      break;
    case "commit.last_resort":
      metrics.addMetric(metricNames.lastResort, MetricUnit.Count, 1);
      break;
    default:
      return;
  }
  // At once, so that a process that is ended loses none, and no two requests share a line.
  metrics.publishStoredMetrics();
}
