import {
  parseRefreshMessage,
  refreshMessage,
} from "../../functions/adapters/sqs/refresh-message.ts";
import type { DueConnection } from "../../functions/domain/ports/schedule.ts";
import type { RefreshDue } from "../../functions/domain/scheduled-refresh.ts";
import { workerHandler } from "../../functions/handlers/worker.ts";
import { lambdaContext, sqsEvent } from "../support/lambda-events.ts";
import { recordedLog } from "../support/recorded-log.ts";
import { startMs, workspaceId } from "../support/refresh-harness.ts";

const due = (n: number): DueConnection => ({
  connectionId: `conn_${n}` as DueConnection["connectionId"],
  workspaceId,
  integration: "acme",
  refreshAtMs: startMs,
});
const bodies = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => refreshMessage(due(n)));

function scene(refreshDue: RefreshDue, concurrency = 10) {
  const recorded = recordedLog();
  const handler = workerHandler({
    refreshDue,
    parseMessage: parseRefreshMessage,
    concurrency,
    log: recorded.log,
  });
  return {
    ...recorded,
    handle: (messages: string[]) => handler(sqsEvent(messages), lambdaContext),
  };
}

test("a batch whose messages are done returns none of them", async () => {
  const seen: DueConnection[] = [];
  const { handle } = scene(async (one) => {
    seen.push(one);
    return "refreshed";
  });
  expect(await handle(bodies(3))).toEqual({ batchItemFailures: [] });
  expect(seen).toEqual([due(0), due(1), due(2)]);
});

test("a message that fails returns by itself, and the others are done", async () => {
  const { handle, lines } = scene(async ({ connectionId }) => {
    if (connectionId === "conn_1") throw new Error("unexpected");
    return "refreshed";
  });
  expect(await handle(bodies(3))).toEqual({ batchItemFailures: [{ itemIdentifier: "message-1" }] });
  expect(lines.map(({ code }) => code)).toEqual(["message.returned"]);
});

test("a malformed message returns, so that it ends where a person looks", async () => {
  const { handle, lines } = scene(async () => "refreshed");
  expect(await handle(["{", ...bodies(1), '{"connection_id":"conn_1"}'])).toEqual({
    batchItemFailures: [{ itemIdentifier: "message-0" }, { itemIdentifier: "message-2" }],
  });
  expect(lines.map(({ code }) => code)).toEqual(["message.rejected", "message.rejected"]);
});

test("messages are worked on at once, up to the configured number", async () => {
  let underWay = 0;
  let most = 0;
  const { handle } = scene(async () => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay -= 1;
    return "refreshed";
  }, 4);
  await handle(bodies(10));
  expect(most).toBe(4);
});

test("a slow connection keeps no other of its batch waiting", async () => {
  const slow = Promise.withResolvers<"refreshed">();
  const done: string[] = [];
  const { handle } = scene(async ({ connectionId }) => {
    if (connectionId === "conn_0") return slow.promise;
    done.push(connectionId);
    if (done.length === 4) slow.resolve("refreshed");
    return "refreshed";
  });
  await handle(bodies(5));
  expect(done).toEqual(["conn_1", "conn_2", "conn_3", "conn_4"]);
});
