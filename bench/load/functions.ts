import { budgetFor } from "../../functions/domain/model/budget.ts";
import type { Subject } from "../subjects.ts";
import { type Child, type ChildOptions, startChild } from "./children.ts";
import type { FunctionEnvironment } from "./function-process.ts";
import type { LoadEnvironment } from "./load-environment.ts";

export interface FunctionPlan {
  readonly bundle: Subject;
  readonly timeoutMs: number;
  /** Undefined: the function has no queue, and the parent invokes it. */
  readonly queueUrl?: string;
  /** The number of concurrent batches. @default 1 */
  readonly concurrency?: number;
}

/** Starts a deployed function in a separate process. */
export const startFunction = (
  environment: LoadEnvironment,
  { bundle, timeoutMs, queueUrl = "", concurrency = 1 }: FunctionPlan,
  options: Omit<ChildOptions, "env"> = {},
): Promise<Child<undefined>> =>
  startChild("function-process.ts", {
    ...options,
    env: {
      ...environment.variables,
      ...({
        LOAD_FUNCTION: bundle.name,
        LOAD_BUNDLE: bundle.path,
        LOAD_TIMEOUT_MS: String(timeoutMs),
        LOAD_QUEUE_URL: queueUrl,
        LOAD_CONCURRENCY: String(concurrency),
      } satisfies FunctionEnvironment),
    },
  });

/** @param concurrency concurrent batches of ten in one process; a deployed function has one */
export const workerPlan = (
  environment: LoadEnvironment,
  bundle: Subject,
  concurrency: number,
): FunctionPlan => ({
  bundle,
  timeoutMs: budgetFor(providerTimeoutSeconds(environment)).functionTimeoutMs,
  queueUrl: environment.queues.refreshQueueUrl,
  concurrency,
});

const providerTimeoutSeconds = ({ variables }: LoadEnvironment): number | undefined => {
  const seconds = variables.PROVIDER_TIMEOUT_SECONDS;
  return seconds === undefined ? undefined : Number(seconds);
};

export const sweepPlan = (bundle: Subject): FunctionPlan => ({ bundle, timeoutMs: 60_000 });

export const rescuePlan = (environment: LoadEnvironment, bundle: Subject): FunctionPlan => ({
  bundle,
  timeoutMs: 10_000,
  queueUrl: environment.queues.rescueQueueUrl,
});

interface SweepResponse {
  readonly enqueued: number;
  readonly caught_up: number;
  readonly shards_left: number;
}

/** @throws {Error} if the sweep fails */
export async function runSweep(sweep: Child<unknown>): Promise<SweepResponse> {
  const invocation = await sweep.call<
    { kind: "returned"; payload: SweepResponse } | { kind: "failed"; errorMessage: string }
  >("invoke", {});
  if (invocation.kind === "failed") throw new Error(`sweep: ${invocation.errorMessage}`);
  return invocation.payload;
}
