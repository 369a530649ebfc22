import { endChildren } from "../../bench/load/children.ts";
import { type FaultResult, runFaults } from "../../bench/load/faults.ts";
import { bundles } from "../../bench/subjects.ts";

jest.setTimeout(400_000);

const connections = 80;
const throttleMs = 8_000;

/** All faults of the load test at once, on a small fleet. */
async function surviveFaults(): Promise<FaultResult> {
  const built = bundles();
  try {
    return await runFaults({
      connections,
      dynamoDbEndpoint: undefined,
      bundles: {
        worker: built.bundle("worker", "functions/lambda/worker.ts"),
        sweep: built.bundle("sweep", "functions/lambda/sweep.ts"),
        rescue: built.bundle("rescue", "functions/lambda/rescue.ts"),
      },
      workers: 2,
      grace: true,
      throttleMs,
      killEveryMs: 3_000,
      killForMs: 12_000,
      vanishing: 10,
      timeLimitMs: 300_000,
    });
  } finally {
    endChildren();
    built.remove();
  }
}

test("all connections are refreshed despite killed workers, a throttling store, a failing provider and lost messages", async () => {
  const result = await surviveFaults();
  expect(result).toMatchObject({ connections, accepted: connections, lost: [], vanished: 10 });
  // The faults happened, and the provider took no token for a stolen one.
  expect(result.kills).toBeGreaterThan(0);
  expect(result.throttled).toBeGreaterThan(0);
  expect(result.provider).toMatchObject({ reused: 0, unauthenticated: 0 });
  expect(result.provider.refused).toBeGreaterThan(0);
});
