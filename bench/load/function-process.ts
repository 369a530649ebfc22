import { createRequire } from "node:module";
import { SQSClient } from "@aws-sdk/client-sqs";
import { startEventSourceMapping } from "../../bin/local/event-source-mapping.ts";
import { invoke, type LambdaFunction } from "../../bin/local/lambda-function.ts";
import { serveParent, usedCpuMs } from "./child.ts";

/** What a function's process takes from its environment, beside what the function takes. */
export interface FunctionEnvironment {
  readonly LOAD_FUNCTION: string;
  /** The bundle, as it is deployed. */
  readonly LOAD_BUNDLE: string;
  readonly LOAD_TIMEOUT_MS: string;
  /** The queue that feeds it; empty: none does. */
  readonly LOAD_QUEUE_URL: string;
  /** Batches that are worked on at a time. */
  readonly LOAD_CONCURRENCY: string;
}

const environment = process.env as unknown as FunctionEnvironment;
const longPollMs = 30_000;

/** One execution environment of a deployed function; its queue feeds it, or its parent invokes it. */
const lambda: LambdaFunction = {
  name: environment.LOAD_FUNCTION,
  timeoutMs: Number(environment.LOAD_TIMEOUT_MS),
  handler: createRequire(import.meta.url)(environment.LOAD_BUNDLE).handler,
};

const queueUrl = environment.LOAD_QUEUE_URL;
const mapping =
  queueUrl === ""
    ? undefined
    : startEventSourceMapping({
        client: new SQSClient({
          requestHandler: { connectionTimeout: 1_000, requestTimeout: longPollMs },
          useQueueUrlAsEndpoint: false,
        }),
        queueUrl,
        queueArn: `arn:aws:sqs:us-east-1:000000000000:${queueUrl.split("/").at(-1)}`,
        function: lambda,
        maximumConcurrency: Number(environment.LOAD_CONCURRENCY),
      });

serveParent(undefined, {
  invoke: (event: unknown) => invoke(lambda, event),
  usage: usedCpuMs,
  /** Takes no more messages, and lets what is under way end. */
  stop: () => mapping?.stop(),
});
