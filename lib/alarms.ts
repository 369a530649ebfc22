import { Duration } from "aws-cdk-lib";
import type { RestApi } from "aws-cdk-lib/aws-apigateway";
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import {
  allMessagesIn,
  errorsOf,
  failurePercentage,
  type LogMetrics,
  type MeasuredFunctions,
  messagesIn,
  oldestAgeIn,
} from "./metrics.ts";
import type { WorkQueue } from "./queues.ts";
import type { Settings } from "./settings.ts";

export interface MonitoredResources extends MeasuredFunctions {
  readonly api: RestApi;
  readonly refreshQueue: WorkQueue;
  readonly rescueQueue: WorkQueue;
  readonly failedInvocations: IQueue;
  readonly missedSweeps: IQueue;
}

type Monitored = MonitoredResources & LogMetrics;

interface Condition {
  /** The consequence for users, until somebody acts. */
  readonly impact: string;
  readonly nextStep: string;
  readonly metric: IMetric;
  /** The alarm is raised at this value and above. */
  readonly threshold: number;
  /** Consecutive periods. @default 1 */
  readonly periods?: number;
  /** The alarm is raised below the threshold instead, and where there is no data. @default false */
  readonly isRequired?: boolean;
}

type Conditions = Readonly<Record<string, Condition>>;

export function createAlarms(scope: Construct, monitored: Monitored, settings: Settings): void {
  const conditions = {
    ...refreshConditions(monitored),
    ...rescueConditions(monitored),
    ...sweepConditions(monitored, settings),
    ...integrationConditions(monitored),
    ...credentialConditions(monitored),
  };
  const alarms = Object.entries(conditions).map(([id, condition]) =>
    createAlarm(scope, id, condition),
  );
  if (settings.alarmTopicArn === undefined) return;
  const topic = Topic.fromTopicArn(scope, "AlarmTopic", settings.alarmTopicArn);
  for (const alarm of alarms) alarm.addAlarmAction(new SnsAction(topic));
}

const createAlarm = (scope: Construct, id: string, condition: Condition): Alarm =>
  new Alarm(scope, id, {
    alarmDescription: `${condition.impact} Next step: ${condition.nextStep}`,
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

const refreshConditions = (monitored: Monitored): Conditions => ({
  RequestsFail: {
    impact:
      "More than 5 % of the API's requests failed for 15 minutes: callers get no fresh access token, and what their users have connected stops working as the old tokens expire.",
    nextStep:
      "look for the most frequent code among the errors in the Refresh function's log, and for authorizer errors in the access log.",
    metric: failurePercentage(monitored.api),
    threshold: 5,
    periods: 3,
  },
  RefreshFunctionsFail: {
    impact:
      "The Refresh or the Worker function crashes or times out: a refresh token that a provider has just rotated may be lost, and its user then has to connect again.",
    nextStep:
      "look for the error in the function's log. Commit the token sets that the log holds, if any, with `npm run admin -- rescue`.",
    metric: errorsOf([monitored.refresh, monitored.worker]),
    threshold: 5,
  },
  InvocationsFail: {
    impact:
      "A refresh that an event requested has failed for good: its connection keeps an old access token until the next request.",
    nextStep:
      "read the event and the error in the queue FailedInvocations, remove the cause, and send the event again.",
    metric: messagesIn(monitored.failedInvocations),
    threshold: 1,
  },
  RefreshesWait: {
    impact:
      "Due connections have waited for a worker for more than five minutes: access tokens expire before they are refreshed, the short-lived ones first.",
    nextStep:
      "compare the workers' number and duration on the dashboard. Raise the setting workerMaximumConcurrency if all workers are busy.",
    metric: oldestAgeIn(monitored.refreshQueue.queue),
    threshold: 300,
    periods: 2,
  },
  RefreshesDeadLettered: {
    impact:
      "A scheduled refresh has failed five times with an unexpected error: its connection's access token expires, or has expired.",
    nextStep:
      "find the connection in the dead-letter queue and the error in the Worker function's log. Delete the message once the cause is removed, since the sweep enqueues the connection again.",
    metric: messagesIn(monitored.refreshQueue.deadLetterQueue),
    threshold: 1,
  },
});

const rescueConditions = ({ tokenSetsInLogAlone, rescueQueue }: Monitored): Conditions => ({
  TokenSetsInLogAlone: {
    impact:
      "Only a function's log holds a rotated refresh token: its user has to connect again unless the token is committed.",
    nextStep: "commit it from the log with `npm run admin -- rescue`.",
    metric: tokenSetsInLogAlone,
    threshold: 1,
  },
  RescuesWait: {
    impact:
      "A rotated refresh token waits in the rescue queue: until it is stored, its connection has no refresh token that the provider accepts, and its user gets no access token.",
    nextStep:
      "check whether DynamoDB throttles or rejects writes to the connections table. The queue's function tries again for three days.",
    // The age of the oldest message does not count messages that have been received three times or more.
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    metric: allMessagesIn(rescueQueue.queue),
    threshold: 1,
  },
  RescuesStay: {
    impact:
      "The rescue queue has not been empty for half an hour: it holds rotated refresh tokens that cannot be stored, and moves them to the dead-letter queue after three days.",
    nextStep:
      "look for the error in the Rescue function's log, and make the connections table writable.",
    metric: allMessagesIn(rescueQueue.queue),
    threshold: 1,
    periods: 6,
  },
  RescuesDeadLettered: {
    impact:
      "A rotated refresh token could not be stored in three days: it is lost when the dead-letter queue deletes it, and its user then has to connect again.",
    nextStep: "start a redrive of the dead-letter queue as soon as DynamoDB accepts writes.",
    metric: messagesIn(rescueQueue.deadLetterQueue),
    threshold: 1,
  },
});

/** The intervals over which sweeps are counted together. */
const countedIntervals = 5;

function sweepConditions(
  { sweep, sweepLag, missedSweeps }: Monitored,
  { schedule, sweepers, sweepIntervalMinutes }: Settings,
): Conditions {
  const overIntervals = { period: Duration.minutes(countedIntervals * sweepIntervalMinutes) };
  return {
    SweepsFail: {
      impact:
        "Most sweeps fail: due connections are not enqueued, and access tokens expire before they are refreshed.",
      nextStep: "look for the error in the Sweep function's log.",
      metric: sweep.function.metricErrors(overIntervals),
      threshold: 3 * sweepers,
    },
    SweepsLag: {
      impact:
        "Due connections are enqueued late, by three sweep intervals or more: access tokens expire before they are refreshed.",
      nextStep: "raise the setting sweepers, so that several sweeps share the work.",
      metric: sweepLag.with(overIntervals),
      threshold: 3 * sweepIntervalMinutes * 60_000,
    },
    SweepsMissed: {
      impact:
        "A sweep did not take place: due connections wait for the next one, and access tokens expire if that one is missed as well.",
      nextStep:
        "none after a single sweep; the alarm ends within a day. Otherwise read the reason in the queue MissedSweeps.",
      metric: messagesIn(missedSweeps),
      threshold: 1,
    },
    ...(schedule && {
      SweepsNotInvoked: {
        impact:
          "The schedule does not invoke the sweep: access tokens expire unless a caller requests their refresh.",
        nextStep:
          "check in EventBridge Scheduler that the schedules are enabled and that their role may invoke the Sweep function.",
        metric: sweep.function.metricInvocations(overIntervals),
        threshold: 3 * sweepers,
        isRequired: true,
      },
    }),
  };
}

const integrationConditions = ({
  tokensWithheld,
  clientsRejected,
  providersFailing,
}: Monitored): Conditions => ({
  TokensWithheld: {
    impact:
      "Refresh tokens would have gone to another server or client than the one that issued them, and were not sent: somebody has changed a connection or a registration, or the provider has moved. These connections get no fresh access token.",
    nextStep:
      "find the integration and both endpoints in the log line token_request.withheld. Undo the change if nobody intended it; otherwise permit it with `npm run admin -- integrations rebind`.",
    metric: tokensWithheld,
    threshold: 1,
  },
  ClientsRejected: {
    impact:
      "A provider rejects the client of an integration: connections that the hold concerns get no fresh access token.",
    nextStep:
      "find the integration in the log line integration.held, and correct its registration with `npm run admin -- integrations put`.",
    metric: clientsRejected,
    threshold: 1,
  },
  ProvidersFail: {
    impact:
      "A provider has failed for minutes: no connection of the integration gets a fresh access token.",
    nextStep:
      "find the integration in the log line integration.held, and check the provider's status page. The service tries again by itself and then refreshes what is due.",
    metric: providersFailing.with({ period: Duration.hours(1) }),
    // The third hold in a row begins after a minute and a half; later ones last a quarter of an hour.
    threshold: 3,
  },
});

const credentialConditions = ({ credentialsRefused }: Monitored): Conditions => ({
  CredentialsRefused: {
    impact:
      "A hundred API keys or JWTs were refused in five minutes: a caller's credential has expired or was revoked, and it gets no fresh access token; or somebody tries credentials.",
    nextStep:
      "read the reasons in the Authorizer function's log lines auth.refused, and find the addresses of the 401s in the access log. Create a new key with `npm run admin -- keys create` if a caller needs one; the setting webAclRequests limits an address.",
    metric: credentialsRefused,
    threshold: 100,
  },
});
