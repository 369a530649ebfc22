import { Duration, Stack } from "aws-cdk-lib";
import type { RestApi } from "aws-cdk-lib/aws-apigateway";
import { type IMetric, MathExpression, type Metric } from "aws-cdk-lib/aws-cloudwatch";
import { FilterPattern, type IFilterPattern, MetricFilter } from "aws-cdk-lib/aws-logs";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { LogCode } from "../functions/telemetry/log.ts";
import type { MetricName } from "../functions/telemetry/metrics.ts";
import type { NodeFunction } from "./node-function.ts";

export const period = Duration.minutes(5);

export interface MeasuredFunctions {
  readonly refresh: NodeFunction;
  readonly worker: NodeFunction;
  readonly sweep: NodeFunction;
  readonly authorizer: NodeFunction;
}

/** Metrics of the stack that come from the functions' logs. */
export type LogMetrics = ReturnType<typeof createLogMetrics>;

export function createLogMetrics({ refresh, worker, sweep, authorizer }: MeasuredFunctions) {
  const refreshing = [refresh, worker];
  return {
    tokenSetsInLogAlone: logLines(refreshing, "commit.last_resort"),
    tokensWithheld: logLines(refreshing, "token_request.withheld"),
    clientsRejected: logLinesWithReason(refreshing, "integration.held", "client_rejected"),
    providersFailing: logLinesWithReason(refreshing, "integration.held", "provider_failing"),
    credentialsRefused: logLines([authorizer], "auth.refused"),
    integrationsHeld: emitted(refreshing, "IntegrationHeld").with({ statistic: "Sum" }),
    enqueued: emitted([sweep], "Enqueued").with({ statistic: "Sum" }),
    /** Milliseconds. */
    sweepLag: emitted([sweep], "SweepLag").with({ statistic: "Maximum" }),
    refreshed: emitted([worker], "Refreshed").with({ statistic: "Sum" }),
    failed: emitted([worker], "Failed").with({ statistic: "Sum" }),
    postponed: emitted([worker], "Postponed").with({ statistic: "Sum" }),
  };
}

/** The number of lines with this code. */
const logLines = (functions: readonly NodeFunction[], code: LogCode): Metric =>
  fromLogs(functions, {
    name: code,
    filterPattern: FilterPattern.stringValue("$.code", "=", code),
  }).with({ statistic: "Sum" });

/** The number of lines with this code and this reason. */
const logLinesWithReason = (
  functions: readonly NodeFunction[],
  code: LogCode,
  reason: string,
): Metric =>
  fromLogs(functions, {
    name: `${code} ${reason}`,
    filterPattern: FilterPattern.all(
      FilterPattern.stringValue("$.code", "=", code),
      FilterPattern.stringValue("$.reason", "=", reason),
    ),
  }).with({ statistic: "Sum" });

/**
 * A metric that these functions emit, whatever their log level. The namespace that the functions themselves write to
 * counts all stages of an account together.
 */
const emitted = (functions: readonly NodeFunction[], name: MetricName): Metric =>
  fromLogs(functions, {
    name,
    filterPattern: FilterPattern.numberValue(`$.${name}`, ">=", 0),
    metricValue: `$.${name}`,
  });

interface LogFilter {
  readonly name: string;
  readonly filterPattern: IFilterPattern;
  /** @default one for each line */
  readonly metricValue?: string;
}

/** One metric of the stack, from several logs. */
function fromLogs(functions: readonly NodeFunction[], { name, ...filter }: LogFilter): Metric {
  const [metric] = functions.map((one) =>
    new MetricFilter(one, `Lines ${name}`, {
      ...filter,
      logGroup: one.logGroup,
      metricNamespace: Stack.of(one).stackName,
      metricName: name,
    }).metric({ period }),
  );
  if (metric === undefined) throw new RangeError("expected a function");
  return metric;
}

/** Zero below 20 requests, where a single failure would be a high percentage. */
export const failurePercentage = (api: RestApi): IMetric =>
  new MathExpression({
    expression: "IF(requests >= 20, 100 * failures / requests, 0)",
    usingMetrics: {
      requests: api.metricCount({ period }),
      failures: api.metricServerError({ period }),
    },
    period,
  });

export const errorsOf = (functions: readonly NodeFunction[]): IMetric =>
  new MathExpression({
    expression: functions.map((_, i) => `FILL(errors${i}, 0)`).join(" + "),
    usingMetrics: Object.fromEntries(
      functions.map((one, i) => [`errors${i}`, one.function.metricErrors({ period })]),
    ),
    period,
  });

/** Seconds. */
export const oldestAgeIn = (queue: IQueue): IMetric =>
  queue.metricApproximateAgeOfOldestMessage({ period });

export const messagesIn = (queue: IQueue): IMetric =>
  queue.metricApproximateNumberOfMessagesVisible({ period });

/** Includes the messages that a function is processing. */
export const allMessagesIn = (queue: IQueue): IMetric =>
  new MathExpression({
    expression: "visible + received",
    usingMetrics: {
      visible: messagesIn(queue),
      received: queue.metricApproximateNumberOfMessagesNotVisible({ period }),
    },
    period,
  });
