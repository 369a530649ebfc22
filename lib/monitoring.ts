import { Duration } from "aws-cdk-lib";
import type { RestApi } from "aws-cdk-lib/aws-apigateway";
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import type { NodeFunction } from "./constructs.ts";
import { createDashboard } from "./dashboard.ts";
import { createMeasures, type Measures, type Measuring, period } from "./metrics.ts";
import type { WorkQueue } from "./queues.ts";
import type { Settings } from "./settings.ts";

export interface Monitored extends Measuring {
  readonly api: RestApi;
  readonly refreshes: WorkQueue;
  readonly rescues: WorkQueue;
  readonly failedInvocations: IQueue;
  readonly missedSweeps: IQueue;
}

/** What somebody has to look at, and where. */
export function createMonitoring(scope: Construct, monitored: Monitored, settings: Settings): void {
  const measures = createMeasures(monitored);
  createAlarms(scope, { ...monitored, ...measures }, settings);
  createDashboard(scope, { ...monitored, ...measures });
}

type Measured = Monitored & Measures;

/** Each says what people suffer until somebody has looked. */
function createAlarms(scope: Construct, measured: Measured, settings: Settings): void {
  const conditions = {
    ...conditionsOfRefreshes(measured),
    ...conditionsOfRescues(measured),
    ...conditionsOfSweeps(measured, settings),
    ...conditionsOfIntegrations(measured),
  };
  const alarms = Object.entries(conditions).map(([id, condition]) => alarm(scope, id, condition));
  if (settings.alarmTopicArn === undefined) return;
  const topic = Topic.fromTopicArn(scope, "AlarmTopic", settings.alarmTopicArn);
  for (const one of alarms) one.addAlarmAction(new SnsAction(topic));
}

interface Condition {
  readonly suffering: string;
  readonly metric: IMetric;
  /** From here on, or below it. */
  readonly threshold: number;
  /** In a row. @default 1 */
  readonly periods?: number;
  /** Of something that has to happen: the alarm is raised where there is less of it, or nothing. */
  readonly isRequired?: boolean;
}

type Conditions = Readonly<Record<string, Condition>>;

const alarm = (scope: Construct, id: string, condition: Condition): Alarm =>
  new Alarm(scope, id, {
    alarmDescription: condition.suffering,
    metric: condition.metric,
    threshold: condition.threshold,
    evaluationPeriods: condition.periods ?? 1,
    comparisonOperator: condition.isRequired
      ? ComparisonOperator.LESS_THAN_THRESHOLD
      : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: condition.isRequired
      ? TreatMissingData.BREACHING
      : TreatMissingData.NOT_BREACHING,
  });

const conditionsOfRefreshes = (monitored: Measured): Conditions => ({
  CallersGetNoToken: {
    suffering:
      "More than 5 % of the requests failed for 15 minutes: callers get no fresh token, and what their users have connected stops working as the old ones expire.",
    metric: failurePercentage(monitored.api),
    threshold: 5,
    periods: 3,
  },
  RefreshesBreakOff: {
    suffering:
      "The function that answers callers, or the one that works on the queue, crashes or runs out of time: a refresh token that a provider has just rotated may be lost, and its user has to connect again.",
    metric: errorsOf([monitored.refresh, monitored.worker]),
    threshold: 5,
  },
  EventsUnanswered: {
    suffering:
      "A refresh that an event asked for failed for good: its connection keeps an old token until somebody asks again. The queue holds the event and the reason.",
    metric: messagesIn(monitored.failedInvocations),
    threshold: 1,
  },
  RefreshesWait: {
    suffering:
      "What is due waits for a worker for five minutes and more: access tokens end before they are refreshed, the short-lived ones first. There are fewer workers than it takes, or they do not get on.",
    metric: ageIn(monitored.refreshes.queue),
    threshold: 300,
    periods: 2,
  },
  RefreshesGivenUp: {
    suffering:
      "Something unexpected happened five times to the same refresh: its connection's access token ends, or has ended. The worker's log says what it was, and the queue holds what it was about.",
    metric: messagesIn(monitored.refreshes.failures),
    threshold: 1,
  },
});

const conditionsOfRescues = ({ tokenSetsInLogAlone, rescues }: Measured): Conditions => ({
  TokenSetInLogAlone: {
    suffering:
      "A rotated refresh token stands in a function's log and nowhere else: its user has to connect again unless `admin rescue` commits it.",
    metric: tokenSetsInLogAlone,
    threshold: 1,
  },
  RescuesWait: {
    suffering:
      "A rotated refresh token waits in the rescue queue: until it is stored, its connection has none that the provider accepts, and its user gets no access token.",
    metric: ageIn(rescues.queue),
    // It is given out after a lease, and a minute later once more.
    threshold: 90,
  },
  // The age leaves out what has been received three times and more.
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
  RescuesStay: {
    suffering:
      "The rescue queue has not been empty for half an hour: rotated refresh tokens are in it that cannot be stored, and after sixteen hours of trying they are left to a person.",
    metric: allMessagesIn(rescues.queue),
    threshold: 1,
    periods: 6,
  },
  RescuesGivenUp: {
    suffering:
      "A rotated refresh token could not be stored in sixteen hours: it is lost when the dead-letter queue lets it go, and its user has to connect again. Move it back once the store takes it.",
    metric: messagesIn(rescues.failures),
    threshold: 1,
  },
});

/** Sweeps are looked at by the time that this many take. */
const sweepsTogether = 5;

function conditionsOfSweeps(
  { sweep, sweepLag, missedSweeps }: Measured,
  { schedule, sweepers, sweepIntervalMinutes }: Settings,
): Conditions {
  const fewSweeps = { period: Duration.minutes(sweepsTogether * sweepIntervalMinutes) };
  return {
    SweepsFail: {
      suffering:
        "Most sweeps fail: what is due is not enqueued, and access tokens end before they are refreshed.",
      metric: sweep.function.metricErrors(fewSweeps),
      threshold: 3 * sweepers,
    },
    SweepsLag: {
      suffering:
        "What is due is enqueued late, by three intervals and more: access tokens end before they are refreshed. Several sweepers share the work.",
      metric: sweepLag.with(fewSweeps),
      threshold: 3 * sweepIntervalMinutes * 60_000,
    },
    SweepsUndelivered: {
      suffering:
        "A sweep did not take place: what came due waits for the next one, and if that goes on, access tokens end. The queue holds the reason.",
      metric: messagesIn(missedSweeps),
      threshold: 1,
    },
    ...(schedule && {
      SweepsMissing: {
        suffering:
          "The schedule does not invoke the sweep: nothing is refreshed by itself, and every access token ends unless somebody asks for it.",
        metric: sweep.function.metricInvocations(fewSweeps),
        threshold: 3 * sweepers,
        isRequired: true,
      },
    }),
  };
}

const conditionsOfIntegrations = ({ clientsRejected, providersFailing }: Measured): Conditions => ({
  ClientsRejected: {
    suffering:
      "A provider rejects our client: no connection of that integration gets a fresh token until its registration is mended. The log line names it.",
    metric: clientsRejected,
    threshold: 1,
  },
  ProvidersFail: {
    suffering:
      "A provider fails for minutes: no connection of that integration gets a fresh token. It is tried again by itself, and what is due then is refreshed. The log line names it.",
    metric: providersFailing.with({ period: Duration.hours(1) }),
    // The third hold in a row begins after a minute and a half; later ones last a quarter of an hour.
    threshold: 3,
  },
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

const errorsOf = (functions: readonly NodeFunction[]): IMetric =>
  new MathExpression({
    expression: functions.map((_, i) => `FILL(errors${i}, 0)`).join(" + "),
    usingMetrics: Object.fromEntries(
      functions.map((one, i) => [`errors${i}`, one.function.metricErrors({ period })]),
    ),
    period,
  });

const ageIn = (queue: IQueue): IMetric => queue.metricApproximateAgeOfOldestMessage({ period });

const messagesIn = (queue: IQueue): IMetric =>
  queue.metricApproximateNumberOfMessagesVisible({ period });

/** Those that a function is at work on, too. */
const allMessagesIn = (queue: IQueue): IMetric =>
  new MathExpression({
    expression: "visible + received",
    usingMetrics: {
      visible: messagesIn(queue),
      received: queue.metricApproximateNumberOfMessagesNotVisible({ period }),
    },
    period,
  });
