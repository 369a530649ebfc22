import { Duration, Stack } from "aws-cdk-lib";
import type { RestApi } from "aws-cdk-lib/aws-apigateway";
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { FilterPattern, MetricFilter } from "aws-cdk-lib/aws-logs";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import type { LogCode } from "../functions/log-codes.ts";
import type { NodeFunction } from "./constructs.ts";
import type { Settings } from "./settings.ts";

export interface Monitored {
  readonly api: RestApi;
  readonly refresh: NodeFunction;
  readonly failedInvocations: IQueue;
}

const period = Duration.minutes(5);

/** What somebody has to look at. Each says what people suffer until then. */
export function createAlarms(scope: Construct, monitored: Monitored, settings: Settings): void {
  const { api, refresh, failedInvocations } = monitored;
  const alarms = [
    alarm(scope, "CallersGetNoToken", {
      suffering:
        "More than 5 % of the requests failed for 15 minutes: callers get no fresh token, and what their users have connected stops working as the old ones expire.",
      metric: failurePercentage(api),
      threshold: 5,
      periods: 3,
    }),
    alarm(scope, "RefreshesBreakOff", {
      suffering:
        "The function crashes, runs out of time or fails direct invocations: a refresh token that a provider has just rotated may be lost, and its user has to connect again.",
      metric: refresh.function.metricErrors({ period }),
      threshold: 5,
    }),
    alarm(scope, "TokenSetInLogAlone", {
      suffering:
        "A rotated refresh token stands in the function's log and nowhere else: its user has to connect again unless `admin rescue` commits it.",
      metric: logLines(scope, refresh, "commit.last_resort"),
      threshold: 1,
    }),
    alarm(scope, "EventsUnanswered", {
      suffering:
        "A refresh that an event asked for failed for good: its connection keeps an old token until somebody asks again. The queue holds the event and the reason.",
      metric: failedInvocations.metricApproximateNumberOfMessagesVisible({ period }),
      threshold: 1,
    }),
  ];
  if (settings.alarmTopicArn === undefined) return;
  const topic = Topic.fromTopicArn(scope, "AlarmTopic", settings.alarmTopicArn);
  for (const one of alarms) one.addAlarmAction(new SnsAction(topic));
}

interface Condition {
  readonly suffering: string;
  readonly metric: IMetric;
  readonly threshold: number;
  /** In a row. @default 1 */
  readonly periods?: number;
}

const alarm = (scope: Construct, id: string, condition: Condition): Alarm =>
  new Alarm(scope, id, {
    alarmDescription: condition.suffering,
    metric: condition.metric,
    threshold: condition.threshold,
    evaluationPeriods: condition.periods ?? 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });

/** Of few requests, one that fails says little. */
const failurePercentage = (api: RestApi): IMetric =>
  new MathExpression({
    expression: "IF(requests >= 20, 100 * failures / requests, 0)",
    usingMetrics: {
      requests: api.metricCount({ period }),
      failures: api.metricServerError({ period }),
    },
    period,
  });

const logLines = (scope: Construct, { logGroup }: NodeFunction, code: LogCode): IMetric =>
  new MetricFilter(scope, `LogLines ${code}`, {
    logGroup,
    filterPattern: FilterPattern.stringValue("$.code", "=", code),
    metricNamespace: Stack.of(scope).stackName,
    metricName: code,
  }).metric({ statistic: "Sum", period });
