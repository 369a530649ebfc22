import { type Invocation, invoke, type LambdaFunction } from "./lambda-function.ts";
import type { Shutdown } from "./shutdown.ts";

/** What EventBridge Scheduler does: invokes a function at once, and at every interval from then on. */
export function startSchedule(
  target: LambdaFunction,
  intervalMs: number,
  shutdown: Shutdown,
  onFault: (fault: string) => void,
): void {
  let underWay: Promise<void> = Promise.resolve();
  const run = (): void => {
    underWay = invoke(target, {}).then((invocation: Invocation) => {
      if (invocation.kind === "failed")
        onFault(`function ${target.name}: ${invocation.errorMessage}`);
    });
  };
  run();
  const timer = setInterval(run, intervalMs);
  shutdown.add(async () => {
    clearInterval(timer);
    await underWay;
  });
}
