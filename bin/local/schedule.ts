import { type Invocation, invoke, type LambdaFunction } from "./lambda-function.ts";
import type { Shutdown } from "./shutdown.ts";

/** Invokes a function at once and then at every interval, as EventBridge Scheduler does. */
export function startSchedule(
  target: LambdaFunction,
  intervalMs: number,
  shutdown: Shutdown,
  onError: (message: string) => void,
): void {
  let invoked: Promise<void> = Promise.resolve();
  const run = (): void => {
    invoked = invoke(target, {}).then((invocation: Invocation) => {
      if (invocation.kind === "failed")
        onError(`function ${target.name}: ${invocation.errorMessage}`);
    });
  };
  run();
  const timer = setInterval(run, intervalMs);
  shutdown.add(async () => {
    clearInterval(timer);
    await invoked;
  });
}
