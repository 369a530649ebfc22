import type { SQSEvent } from "aws-lambda";
import { parseRescueRecord } from "../../functions/adapters/rescue/rescue-record.ts";
import type { TokenSetCommit } from "../../functions/domain/ports/connection-store.ts";
import type { RescueTokens } from "../../functions/domain/rescue.ts";
import { rescueHandler } from "../../functions/handlers/rescue.ts";
import { requestScope } from "../../functions/telemetry/request-scope.ts";
import { lambdaContext, sqsEvent } from "../support/lambda-events.ts";
import { recordedLog } from "../support/recorded-log.ts";

const record = (connection_id: string) => ({
  ...{ connection_id, workspace_id: "wsp_1", expected_version: 7 },
  credentials: "eyJhbGciOiJkaXIifQ..aXZpdml2.Y2lwaGVydGV4dA.dGFndGFn",
  ...{ committed_at: "2025-10-19T11:00:00.123Z", status: "active" },
});

const nowMs = Date.UTC(2025, 9, 19, 12);

async function handle(
  event: SQSEvent,
  rescueTokens: RescueTokens = async () => "done",
  setRedelivery = async (_receiptHandle: string, _delayMs: number) => {},
) {
  const rescued: TokenSetCommit[] = [];
  const { log, lines } = recordedLog();
  const handler = rescueHandler({
    rescueTokens: (commit) => {
      rescued.push(commit);
      return rescueTokens(commit);
    },
    parseRecord: parseRescueRecord,
    setRedelivery,
    clock: { nowMs: () => nowMs },
    log,
  });
  return { answer: await handler(event, lambdaContext), rescued, lines };
}

it.each(["done", "superseded", "absent"] as const)(
  "a record that is %s is done with",
  async (outcome) => {
    const event = sqsEvent([record("conn_1"), record("conn_2")].map((one) => JSON.stringify(one)));
    const { answer, rescued } = await handle(event, async () => outcome);
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(rescued.map(({ connectionId }) => connectionId)).toEqual(["conn_1", "conn_2"]);
  },
);

it("one that cannot be committed comes again, and alone", async () => {
  const event = sqsEvent([record("conn_1"), record("conn_2")].map((one) => JSON.stringify(one)));
  const { answer, lines } = await handle(event, async ({ connectionId }) => {
    if (connectionId === "conn_2") throw new Error("no answer");
    return "done";
  });
  expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "message-1" }] });
  expect(lines).toEqual([
    {
      code: "message.returned",
      members: expect.objectContaining({ connection_id: "conn_2", workspace_id: "wsp_1" }),
    },
  ]);
});

it("a malformed record is reported with its member and without a value, and the others are rescued", async () => {
  const broken = { ...record("conn_1"), credentials: "plain-token" };
  const event = sqsEvent([JSON.stringify(broken), "nonsense", JSON.stringify(record("conn_3"))]);
  const { answer, rescued, lines } = await handle(event);
  expect(answer).toEqual({
    batchItemFailures: [{ itemIdentifier: "message-0" }, { itemIdentifier: "message-1" }],
  });
  expect(rescued).toHaveLength(1);
  expect(lines.map(({ code }) => code)).toEqual(["message.rejected", "message.rejected"]);
  const said = lines.map(({ members }) => String(members.error)).join();
  expect(said).toContain("credentials: expected a compact or a packed JWE");
  expect(said).not.toMatch(/plain-token|nonsense/);
});

it("works under the ids of message and invocation", async () => {
  const ids: unknown[] = [];
  await handle(sqsEvent([JSON.stringify(record("conn_1"))]), async () => {
    ids.push(requestScope.getStore());
    return "done";
  });
  const { awsRequestId } = lambdaContext;
  expect(ids).toEqual([{ requestId: "message-0", lambdaRequestId: awsRequestId }]);
});

describe("the next delivery", () => {
  const committed = (committed_at: string) => ({ ...record("conn_1"), committed_at });

  it.each([
    ["as soon as ten seconds", "2025-10-19T11:59:30.000Z", 10],
    ["later, the older the token set is", "2025-10-19T11:43:30.000Z", 120],
    ["five minutes later at the most", "2025-10-18T12:00:00.000Z", 300],
  ])("is set before the attempt: %s", async (_, committedAt, delaySeconds) => {
    const steps: string[] = [];
    const event = sqsEvent([JSON.stringify(committed(committedAt))]);
    const { answer } = await handle(
      event,
      async () => {
        steps.push("attempt");
        throw new Error("no response");
      },
      async (receiptHandle, delayMs) => {
        steps.push(`${receiptHandle}: ${delayMs / 1000} s`);
      },
    );
    const [{ receiptHandle = "" } = {}] = event.Records;
    expect(steps).toEqual([`${receiptHandle}: ${delaySeconds} s`, "attempt"]);
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "message-0" }] });
  });

  it("is the queue's own where it cannot be set, and the attempt is made", async () => {
    const event = sqsEvent([JSON.stringify(record("conn_1"))]);
    const unavailable = async () => {
      throw new Error("no response");
    };
    const { answer, rescued, lines } = await handle(event, async () => "done", unavailable);
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(rescued).toHaveLength(1);
    expect(lines).toMatchObject([{ code: "message.unprepared" }]);
  });
});
