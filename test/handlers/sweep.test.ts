import type { SweepRequest } from "../../functions/domain/sweep.ts";
import { InvalidRequest } from "../../functions/handlers/faults.ts";
import { sweepHandler } from "../../functions/handlers/sweep.ts";
import { lambdaContext } from "../support/lambda-events.ts";

function scene() {
  const requests: SweepRequest[] = [];
  const handler = sweepHandler({
    sweep: async (request) => {
      requests.push(request);
      return { enqueued: 3, caughtUp: 1, shardsLeft: 0 };
    },
  });
  return { requests, handle: (event: unknown) => handler(event, lambdaContext) };
}

test("responds with the counts, and has the time of its invocation", async () => {
  const { handle, requests } = scene();
  expect(await handle({})).toEqual({ enqueued: 3, caught_up: 1, shards_left: 0 });
  expect(requests[0]?.invocation.remainingMs()).toBe(25_000);
});

test.each([
  ["nothing", undefined],
  ["an empty object", {}],
  ["an event of EventBridge", { source: "aws.scheduler", "detail-type": "Scheduled Event" }],
])("sweeps all shards on %s", async (_, event) => {
  const { handle, requests } = scene();
  await handle(event);
  expect(requests[0]?.slice).toEqual({ index: 0, of: 1 });
});

test("sweeps the slice that the schedule names", async () => {
  const { handle, requests } = scene();
  await handle({ slice: 3, slices: 4 });
  expect(requests[0]?.slice).toEqual({ index: 3, of: 4 });
});

test.each([
  [{ slice: 4, slices: 4 }, "payload.slice: Input should be less than or equal to 3"],
  [{ slice: 0, slices: 65 }, "payload.slices: Input should be less than or equal to 64"],
  [{ slice: -1, slices: 4 }, "payload.slice: Input should be greater than or equal to 0"],
  [{ slice: "0", slices: 4 }, "payload.slice: Input should be a valid integer"],
])("%j is refused, and the error names the fault", async (event, message) => {
  const { handle, requests } = scene();
  await expect(handle(event)).rejects.toThrow(InvalidRequest);
  await expect(handle(event)).rejects.toThrow(message);
  expect(requests).toHaveLength(0);
});
