import { endChildren } from "../../bench/load/children.ts";
import { type FaultResult, runFaults } from "../../bench/load/faults.ts";
import { bundles } from "../../bench/subjects.ts";

jest.setTimeout(400_000);

const connections = 80;
const throttleMs = 8_000;

/** The load test's faults, all at once, on a fleet that is small enough to wait for. */
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

test("a fleet outlives killed workers, a throttling store, a failing provider and lost messages", async () => {
  const result = await surviveFaults();
  expect(result).toMatchObject({ connections, accepted: connections, lost: [], vanished: 10 });
  // The faults have been there, and the provider has seen no token that it had to take for stolen.
  expect(result.kills).toBeGreaterThan(0);
  expect(result.throttled).toBeGreaterThan(0);
  expect(result.provider).toMatchObject({ reused: 0, unauthenticated: 0 });
  expect(result.provider.refused).toBeGreaterThan(0);
});
