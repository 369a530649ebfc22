import type { Template } from "aws-cdk-lib/assertions";
import { deployed, legible, type Properties, propertiesOf } from "./deployed.ts";

const schedulesOf = (service: Template): Properties[] =>
  Object.values(service.findResources("AWS::Scheduler::Schedule")).map(
    ({ Properties: schedule }) => schedule as Properties,
  );

const inputsOf = (service: Template): unknown[] =>
  schedulesOf(service).map(({ Target }) => JSON.parse((Target as { Input: string }).Input));

describe("schedule", () => {
  const { service } = deployed();

  it("starts a sweep each minute", () => {
    expect(schedulesOf(service).map(legible)).toEqual([
      {
        Description: "Refreshes due connections: slice 0 of 1",
        GroupName: propertiesOf(service, "AWS::Scheduler::ScheduleGroup").Name,
        State: "ENABLED",
        ScheduleExpression: "rate(1 minute)",
        ScheduleExpressionTimezone: "Etc/UTC",
        FlexibleTimeWindow: { Mode: "OFF" },
        Target: {
          Arn: "SweepFunctionArn",
          RoleArn: "SweepsRoleArn",
          Input: '{"slice":0,"slices":1}',
          RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 3 },
          DeadLetterConfig: { Arn: "MissedSweepsArn" },
        },
      },
    ]);
  });

  it("does not retry a failed sweep, and keeps its event", () => {
    const config = propertiesOf(service, "AWS::Lambda::EventInvokeConfig", "Sweep");
    expect(legible(config)).toMatchObject({
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
      DestinationConfig: { OnFailure: { Destination: "MissedSweepsArn" } },
    });
  });

  it("gives the sweep no name of a secret or a token key", () => {
    const { Environment } = propertiesOf(service, "AWS::Lambda::Function", "SweepFunction");
    const { Variables } = Environment as { Variables: Properties };
    expect(Object.keys(Variables).sort()).toEqual([
      ...["CONNECTIONS_TABLE", "COORDINATION_TABLE", "LOG_LEVEL", "REFRESH_QUEUE_URL"],
    ]);
  });

  it.each([1, 2, 15, 30])("ends a sweep within its interval, %i min", (minutes) => {
    const { service: slower } = deployed({ "refresh:sweepIntervalMinutes": minutes });
    const { Timeout } = propertiesOf(slower, "AWS::Lambda::Function", "SweepFunction");
    expect(Timeout).toBe(Math.min(minutes * 60 - 5, 900));
  });
});

describe("settings of the schedule", () => {
  it("divide the shards among the sweepers", () => {
    const { service } = deployed({ "refresh:sweepers": 4 });
    expect(inputsOf(service)).toEqual([
      { slice: 0, slices: 4 },
      { slice: 1, slices: 4 },
      { slice: 2, slices: 4 },
      { slice: 3, slices: 4 },
    ]);
  });

  it("switch it off, and keep the queues and their workers", () => {
    const { service } = deployed({ "refresh:schedule": false, "refresh:sweepers": 2 });
    expect(schedulesOf(service).map(({ State }) => State)).toEqual(["DISABLED", "DISABLED"]);
    service.resourceCountIs("AWS::Lambda::EventSourceMapping", 2);
    service.resourceCountIs("AWS::SQS::Queue", 6);
  });

  it("set its rate, for every function that schedules a refresh", () => {
    const { service } = deployed({ "refresh:sweepIntervalMinutes": 10 });
    expect(schedulesOf(service)).toMatchObject([
      {
        ScheduleExpression: "rate(10 minutes)",
        Target: { RetryPolicy: { MaximumEventAgeInSeconds: 600 } },
      },
    ]);
    for (const id of ["RefreshFunction", "WorkerFunction"]) {
      expect(propertiesOf(service, "AWS::Lambda::Function", id)).toMatchObject({
        Environment: { Variables: { SWEEP_INTERVAL_SECONDS: "660" } },
      });
    }
  });

  it("set the time to give up, for every function that refreshes", () => {
    const { service } = deployed({ "refresh:giveUpAfterDays": 2 });
    for (const id of ["RefreshFunction", "WorkerFunction"]) {
      expect(propertiesOf(service, "AWS::Lambda::Function", id)).toMatchObject({
        Environment: { Variables: { GIVE_UP_AFTER_SECONDS: "172800" } },
      });
    }
  });
});
