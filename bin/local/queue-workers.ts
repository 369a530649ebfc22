import { SQSClient } from "@aws-sdk/client-sqs";
import { budgetFor } from "../../functions/domain/model/budget.ts";
import { rescueTimeoutMs } from "../../functions/domain/model/take-over.ts";
import { workerConfig } from "../../functions/runtime/config.ts";
import { startEventSourceMapping, waitSeconds } from "./event-source-mapping.ts";
import type { LambdaFunction } from "./lambda-function.ts";
import { queueArn } from "./queues.ts";
import { CannotStart } from "./settings.ts";
import type { Shutdown } from "./shutdown.ts";

/** A queue, and the function that consumes it. */
interface QueueWorker {
  readonly queueUrl: string;
  readonly function: LambdaFunction;
}

/** Loads the modules that are deployed. They read the environment when they are loaded. */
async function queueWorkers(variables: Variables): Promise<readonly QueueWorker[]> {
  const [worker, rescue] = await Promise.all([
    import("../../functions/lambda/worker.ts"),
    import("../../functions/lambda/rescue.ts"),
  ]);
  const { providerTimeoutSeconds } = workerConfig(process.env);
  const { functionTimeoutMs: timeoutMs } = budgetFor(providerTimeoutSeconds);
  return [
    {
      queueUrl: variables.REFRESH_QUEUE_URL ?? "",
      function: { name: "worker", timeoutMs, handler: worker.handler },
    },
    {
      queueUrl: variables.RESCUE_QUEUE_URL ?? "",
      function: { name: "rescue", timeoutMs: rescueTimeoutMs, handler: rescue.handler },
    },
  ];
}

type Variables = Readonly<Record<string, string>>;

/** Invokes the functions with messages until the shutdown, which waits for the last invocations. */
export async function startQueueWorkers(variables: Variables, shutdown: Shutdown): Promise<void> {
  const client = new SQSClient({
    requestHandler: { connectionTimeout: 1_000, requestTimeout: (waitSeconds + 5) * 1_000 },
    useQueueUrlAsEndpoint: false,
  });
  shutdown.add(() => client.destroy());
  for (const worker of await queueWorkers(variables)) {
    const mapping = startEventSourceMapping({
      ...worker,
      client,
      queueArn: await arnOf(client, worker.queueUrl),
      onError: (message) => console.error(message),
    });
    shutdown.add(() => mapping.stop());
  }
}

async function arnOf(client: SQSClient, queueUrl: string): Promise<string> {
  try {
    return await queueArn(client, queueUrl);
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new CannotStart(`SQS at ${process.env.AWS_ENDPOINT_URL_SQS}: ${reason}`, error);
  }
}
