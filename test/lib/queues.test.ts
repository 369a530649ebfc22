import { redeliveryMs } from "../../functions/domain/model/take-over.ts";
import { deployed, legible, type Properties, propertiesOf, resource } from "./deployed.ts";

describe("queues", () => {
  const { service } = deployed();
  const queueOf = (id: string): Properties => propertiesOf(service, "AWS::SQS::Queue", id);
  const feedOf = (id: string): Properties =>
    propertiesOf(service, "AWS::Lambda::EventSourceMapping", `${id}Feed`);

  it("are encrypted, at rest and on the way", () => {
    const queues = service.findResources("AWS::SQS::Queue");
    expect(Object.keys(queues)).toHaveLength(6);
    for (const { Properties: queue } of Object.values(queues)) {
      expect(queue.SqsManagedSseEnabled).toBe(true);
    }
    const policies = Object.values(service.findResources("AWS::SQS::QueuePolicy"));
    const closed = policies.flatMap(({ Properties: policy }) => {
      expect(policy.PolicyDocument.Statement).toMatchObject([
        { Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } },
      ]);
      return (policy.Queues as { Ref: string }[]).map(({ Ref }) => Ref);
    });
    expect(closed.sort()).toEqual(Object.keys(queues).sort());
  });

  it("of refreshes forget a hint after a day, and give up what failed five times", () => {
    expect(legible(queueOf("RefreshesQueue"))).toMatchObject({
      MessageRetentionPeriod: 24 * 60 * 60,
      RedrivePolicy: { maxReceiveCount: 5, deadLetterTargetArn: "RefreshesFailuresArn" },
    });
  });

  it("of rescues try a token set for three days, and keep it for as long as SQS can", () => {
    const fourteenDays = 14 * 24 * 60 * 60;
    const { VisibilityTimeout, MessageRetentionPeriod, RedrivePolicy } = legible(
      queueOf("RescuesQueue"),
    ) as {
      VisibilityTimeout: number;
      MessageRetentionPeriod: number;
      RedrivePolicy: { maxReceiveCount: number; deadLetterTargetArn: string };
    };
    expect(MessageRetentionPeriod).toBe(fourteenDays);
    expect(RedrivePolicy).toEqual({
      maxReceiveCount: 1000,
      deadLetterTargetArn: "RescuesFailuresArn",
    });
    let ageMs = 0;
    for (let i = 0; i < RedrivePolicy.maxReceiveCount; i++) ageMs += redeliveryMs(ageMs);
    expect(ageMs).toBeGreaterThanOrEqual(3 * 24 * 60 * 60 * 1000);
    expect(ageMs).toBeLessThan(fourteenDays * 1000);
    expect(VisibilityTimeout * 1000).toBe(redeliveryMs(0));
    // A message that failed is tried again before the schedule presents the old token once more.
    const { VisibilityTimeout: refreshComesBackAfter } = legible(queueOf("RefreshesQueue")) as {
      VisibilityTimeout: number;
    };
    expect(VisibilityTimeout).toBeLessThan(refreshComesBackAfter);
  });

  it("of rescues, and of what could not be rescued, outlive the stack", () => {
    for (const id of ["RescuesQueue", "RescuesFailures"]) {
      expect(resource(service, "AWS::SQS::Queue", id)).toMatchObject({
        DeletionPolicy: "Retain",
        UpdateReplacePolicy: "Retain",
      });
    }
  });

  it.each(["RefreshesFailures", "RescuesFailures", "FailedInvocations"])(
    "hold for two weeks what failed for good: %s",
    (id) => expect(queueOf(id).MessageRetentionPeriod).toBe(14 * 24 * 60 * 60),
  );

  it("forget a sweep that did not take place, and end its alarm, after a day", () => {
    expect(queueOf("MissedSweeps").MessageRetentionPeriod).toBe(24 * 60 * 60);
  });

  it("feed their functions, which answer with the messages that failed", () => {
    expect(legible(feedOf("Refreshes"))).toMatchObject({
      EventSourceArn: "RefreshesQueueArn",
      FunctionName: expect.stringMatching(/^WorkerFunction/),
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      BatchSize: 10,
      ScalingConfig: { MaximumConcurrency: 50 },
    });
    expect(legible(feedOf("Rescues"))).toMatchObject({
      EventSourceArn: "RescuesQueueArn",
      FunctionName: expect.stringMatching(/^RescueFunction/),
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 20 },
    });
  });

  it("are not read before their functions are permitted to", () => {
    for (const id of ["Worker", "Rescue"]) {
      const { DependsOn } = resource(service, "AWS::Lambda::Function", `${id}Function`);
      expect(DependsOn).toContainEqual(expect.stringMatching(`^${id}RoleDefaultPolicy`));
    }
  });
});

describe("visibility timeout", () => {
  it.each([1, 15, 18])("is six times the function's, provider %i s", (providerTimeoutSeconds) => {
    const { service } = deployed({ "refresh:providerTimeoutSeconds": providerTimeoutSeconds });
    const { VisibilityTimeout } = propertiesOf(service, "AWS::SQS::Queue", "RefreshesQueue");
    const { Timeout } = propertiesOf(service, "AWS::Lambda::Function", "WorkerFunction");
    expect(VisibilityTimeout).toBe(6 * Number(Timeout));
  });
});

describe("workers", () => {
  const { service } = deployed({
    "refresh:workerConcurrency": 4,
    "refresh:workerMaximumConcurrency": 200,
  });

  it("take as many messages as they work on at a time, and are as many as is set", () => {
    expect(propertiesOf(service, "AWS::Lambda::EventSourceMapping", "RefreshesFeed")).toMatchObject(
      { BatchSize: 4, ScalingConfig: { MaximumConcurrency: 200 } },
    );
    expect(propertiesOf(service, "AWS::Lambda::Function", "WorkerFunction")).toMatchObject({
      Environment: { Variables: { WORKER_CONCURRENCY: "4" } },
    });
  });
});
