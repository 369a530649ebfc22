import { createRequire } from "node:module";
import { SQSClient } from "@aws-sdk/client-sqs";
import { startEventSourceMapping } from "../../bin/local/event-source-mapping.ts";
import { invoke, type LambdaFunction } from "../../bin/local/lambda-function.ts";
import { serveParent, usedCpuMs } from "./child.ts";

/** The environment variables of the process, besides those of the function in it. */
export interface FunctionEnvironment {
  readonly LOAD_FUNCTION: string;
  /** The path of the deployed bundle. */
  readonly LOAD_BUNDLE: string;
  readonly LOAD_TIMEOUT_MS: string;
  /** The queue of the event source mapping. Empty: there is no mapping. */
  readonly LOAD_QUEUE_URL: string;
  /** The number of concurrent batches. */
  readonly LOAD_CONCURRENCY: string;
}

const environment = process.env as unknown as FunctionEnvironment;
const longPollMs = 30_000;

/** One execution environment of a deployed function, which its queue or the parent process invokes. */
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
  /** Receives no more messages, and waits for the batches in progress. */
  stop: () => mapping?.stop(),
});
