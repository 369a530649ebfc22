import { readFileSync } from "node:fs";
import type { Template } from "aws-cdk-lib/assertions";
import { deployed, legible, type Properties, propertiesOf } from "./deployed.ts";

const alarmOf = (service: Template, id: string): Properties =>
  propertiesOf(service, "AWS::CloudWatch::Alarm", id);

/** The filters of all logs that a metric comes from. */
const filtersOf = (service: Template, metricName: string) =>
  Object.values(service.findResources("AWS::Logs::MetricFilter"))
    .map(({ Properties: filter }) => legible(filter) as Record<string, unknown>)
    .filter(({ MetricTransformations }) =>
      (MetricTransformations as { MetricName: string }[]).some(
        ({ MetricName }) => MetricName === metricName,
      ),
    )
    .map(({ LogGroupName, FilterPattern, MetricTransformations }) => ({
      log: String(LogGroupName).replace(/[0-9A-F]{8}$/, ""),
      pattern: FilterPattern,
      transformations: MetricTransformations,
    }));

describe("alarms", () => {
  const { service } = deployed();
  const alarms = Object.values(service.findResources("AWS::CloudWatch::Alarm")).map(
    ({ Properties: alarm }) => alarm as Properties,
  );

  it("state their impact and the next step, and notify nobody by default", () => {
    expect(alarms).toHaveLength(17);
    for (const alarm of alarms) {
      expect(alarm.AlarmDescription).toMatch(/(token|connect again).*\. Next step: \w.*\.$/);
      expect(alarm).not.toHaveProperty("AlarmActions");
    }
  });

  it("are listed in docs/operations.md", () => {
    const document = readFileSync("docs/operations.md", "utf8");
    const section = document.split(/^## /m).find((part) => part.startsWith("Alarms\n")) ?? "";
    const listed = Array.from(section.matchAll(/^\| `(\w+)`/gm), ([, id]) => id);
    const ids = Object.keys(service.findResources("AWS::CloudWatch::Alarm"));
    expect(listed.toSorted()).toEqual(ids.map((id) => id.slice(0, -8)).toSorted());
  });

  it("notify a topic", () => {
    const topic = "arn:aws:sns:eu-west-1:123456789012:alarms";
    deployed({ "refresh:alarmTopicArn": topic }).service.allResourcesProperties(
      "AWS::CloudWatch::Alarm",
      { AlarmActions: [topic] },
    );
  });

  it.each([
    ["RefreshesDeadLettered", "RefreshesFailures"],
    ["RescuesDeadLettered", "RescuesFailures"],
    ["InvocationsFail", "FailedInvocations"],
    ["SweepsMissed", "MissedSweeps"],
  ])("%s: from the first message in %s", (id, queue) => {
    expect(alarmOf(service, id)).toMatchObject({
      Namespace: "AWS/SQS",
      MetricName: "ApproximateNumberOfMessagesVisible",
      Dimensions: [
        {
          Name: "QueueName",
          Value: { "Fn::GetAtt": [expect.stringMatching(`^${queue}`), "QueueName"] },
        },
      ],
      ComparisonOperator: "GreaterThanOrEqualToThreshold",
      Threshold: 1,
      EvaluationPeriods: 1,
      TreatMissingData: "notBreaching",
    });
  });

  it("CredentialsRefused: from the hundredth refusal of the authorizer in five minutes", () => {
    expect(alarmOf(service, "CredentialsRefused")).toMatchObject({
      MetricName: "auth.refused",
      Statistic: "Sum",
      Period: 300,
      Threshold: 100,
      EvaluationPeriods: 1,
      TreatMissingData: "notBreaching",
    });
    expect(filtersOf(service, "auth.refused")).toMatchObject([
      { log: expect.stringContaining("Authorizer"), pattern: '{ $.code = "auth.refused" }' },
    ]);
  });

  it.each([["RefreshesWait", "RefreshesQueue", 300]])(
    "%s: when the oldest message of %s is %d seconds old",
    (id, queue, Threshold) => {
      expect(alarmOf(service, id)).toMatchObject({
        MetricName: "ApproximateAgeOfOldestMessage",
        Dimensions: [
          {
            Name: "QueueName",
            Value: { "Fn::GetAtt": [expect.stringMatching(`^${queue}`), "QueueName"] },
          },
        ],
        Threshold,
      });
    },
  );

  it("RescuesWait: from the first message on, received or not, which the age would leave out", () => {
    const { Threshold, EvaluationPeriods, Metrics } = alarmOf(service, "RescuesWait");
    expect([Threshold, EvaluationPeriods]).toEqual([1, 1]);
    expect(JSON.stringify(Metrics)).toContain("ApproximateNumberOfMessagesNotVisible");
  });

  it("SweepsNotInvoked: when nothing is invoked, although there is no data then", () => {
    expect(alarmOf(service, "SweepsNotInvoked")).toMatchObject({
      Namespace: "AWS/Lambda",
      MetricName: "Invocations",
      Statistic: "Sum",
      Period: 300,
      Threshold: 3,
      ComparisonOperator: "LessThanThreshold",
      TreatMissingData: "breaching",
    });
  });

  it("SweepsNotInvoked: not where the schedule is switched off", () => {
    const { service: silent } = deployed({ "refresh:schedule": "false" });
    const ids = Object.keys(silent.findResources("AWS::CloudWatch::Alarm"));
    expect(ids.filter((id) => id.startsWith("SweepsNotInvoked"))).toEqual([]);
    expect(ids).toHaveLength(alarms.length - 1);
  });

  it("count sweeps over five intervals", () => {
    const { service: slower } = deployed({
      "refresh:sweepIntervalMinutes": 10,
      "refresh:sweepers": 2,
    });
    expect(alarmOf(slower, "SweepsNotInvoked")).toMatchObject({ Period: 3_000, Threshold: 6 });
    expect(alarmOf(slower, "SweepsFail")).toMatchObject({ Period: 3_000, Threshold: 6 });
    expect(alarmOf(slower, "SweepsLag")).toMatchObject({ Period: 3_000, Threshold: 1_800_000 });
  });
});

describe("metrics", () => {
  const { service } = deployed();

  it("count token sets that are in a log alone, whichever function wrote it", () => {
    const line = {
      pattern: '{ $.code = "commit.last_resort" }',
      transformations: [
        {
          MetricName: "commit.last_resort",
          MetricNamespace: "oauth-token-refresh-main",
          MetricValue: "1",
        },
      ],
    };
    expect(filtersOf(service, "commit.last_resort")).toEqual([
      { log: "RefreshLog", ...line },
      { log: "WorkerLog", ...line },
    ]);
  });

  it("distinguish rejected clients from failing providers", () => {
    expect(filtersOf(service, "integration.held client_rejected")[0]?.pattern).toBe(
      '{ ($.code = "integration.held") && ($.reason = "client_rejected") }',
    );
    expect(filtersOf(service, "integration.held provider_failing")[0]?.pattern).toBe(
      '{ ($.code = "integration.held") && ($.reason = "provider_failing") }',
    );
  });

  it("come from this stack's logs alone where the functions emit them, at any log level", () => {
    expect(filtersOf(service, "SweepLag")).toEqual([
      {
        log: "SweepLog",
        pattern: "{ $.SweepLag >= 0 }",
        transformations: [
          {
            MetricName: "SweepLag",
            MetricNamespace: "oauth-token-refresh-main",
            MetricValue: "$.SweepLag",
          },
        ],
      },
    ]);
    expect(alarmOf(service, "SweepsLag")).toMatchObject({
      Namespace: "oauth-token-refresh-main",
      MetricName: "SweepLag",
      Statistic: "Maximum",
    });
  });
});

describe("dashboard", () => {
  it("shows how due connections proceed", () => {
    const { service } = deployed();
    const { DashboardBody } = propertiesOf(service, "AWS::CloudWatch::Dashboard");
    const body = JSON.stringify(DashboardBody);
    for (const metric of [
      ...["Enqueued", "Refreshed", "Failed", "Postponed", "SweepLag", "IntegrationHeld"],
      ...["ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"],
      ...["ConcurrentExecutions", "Duration"],
    ]) {
      expect(body).toContain(`\\"${metric}\\"`);
    }
  });
});
