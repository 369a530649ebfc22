import { execFile } from "node:child_process";
import { createServer, type RequestListener, type Server } from "node:http";
import { promisify } from "node:util";
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { closeServer, listenOnLoopback } from "../../../bin/local/loopback.ts";
import { asStoreUnavailable } from "../../../functions/adapters/aws/clients.ts";
import { StoreUnavailable } from "../../../functions/domain/model/errors.ts";
import { localDynamoDbClient } from "../../support/local-aws-clients.ts";

const servers: Server[] = [];
afterAll(() => Promise.all(servers.map(closeServer)));

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  return listenOnLoopback(server);
}
const failing = (status: number, type: string) =>
  serving((_, response) => {
    response.writeHead(status, { "Content-Type": "application/x-amz-json-1.0" });
    response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}` }));
  });

/** Yields the SDK's own error, after one attempt. */
async function ask(endpoint: string, timeoutMs?: number): Promise<unknown> {
  const client = localDynamoDbClient(endpoint, timeoutMs);
  const command = new GetItemCommand({ TableName: "t", Key: { connection_id: { S: "c" } } });
  try {
    return await asStoreUnavailable("DynamoDB", () => client.send(command));
  } catch (error) {
    return error;
  } finally {
    client.destroy();
  }
}

describe("a transient error becomes an unavailable store, with the error as its cause:", () => {
  const patient = undefined;
  test.each<[string, () => Promise<string>, number | undefined]>([
    ["throttling", () => failing(400, "ThrottlingException"), patient],
    ["throughput", () => failing(400, "ProvisionedThroughputExceededException"), patient],
    ["the account's limit", () => failing(400, "RequestLimitExceeded"), patient],
    ["an internal error", () => failing(500, "InternalServerError"), patient],
    ["503 without a word", () => serving((_, response) => response.writeHead(503).end()), patient],
    ["silence", () => serving(() => undefined), 100],
  ])("%s", async (_, start, timeoutMs) => {
    const error = await ask(await start(), timeoutMs);
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect(error).toMatchObject({ cause: expect.anything() });
  });
});

describe("a permanent error is thrown unchanged:", () => {
  test.each([
    "AccessDeniedException",
    "ResourceNotFoundException",
    "ValidationException",
    "ConditionalCheckFailedException",
    "UnrecognizedClientException",
  ])("%s", async (type) => {
    expect(await ask(await failing(400, type))).toMatchObject({ name: type });
  });
});

/**
 * Node's own errors are not instances of Error in jest's realm, where the SDK then wraps them. They are caused in a
 * process of their own.
 */
const programs = {
  DynamoDB: `
    import { GetItemCommand } from "@aws-sdk/client-dynamodb";
    import { asStoreUnavailable, dynamoDbClient } from "./functions/adapters/aws/clients.ts";
    const command = new GetItemCommand({ TableName: "t", Key: { connection_id: { S: "c" } } });
    const client = dynamoDbClient();`,
  SQS: `
    import { GetQueueUrlCommand } from "@aws-sdk/client-sqs";
    import { asStoreUnavailable, sqsClient } from "./functions/adapters/aws/clients.ts";
    const command = new GetQueueUrlCommand({ QueueName: "q" });
    const client = await sqsClient();`,
  "SQS, urgently": `
    import { GetQueueUrlCommand } from "@aws-sdk/client-sqs";
    import { asStoreUnavailable, urgentSqsClient } from "./functions/adapters/aws/clients.ts";
    const command = new GetQueueUrlCommand({ QueueName: "q" });
    const client = await urgentSqsClient();`,
};
const asking = `
  await asStoreUnavailable("it", () => client.send(command)).catch((error) =>
    console.log(error.name, error.cause?.code ?? error.cause?.name),
  );`;

const breaking = () => serving((_, response) => response.destroy());
const absent = async () => "http://127.0.0.1:1";
const silent = () => serving(() => undefined);

// The clients run at the same time, since each waits for its whole timeout.
test.concurrent.each<[keyof typeof programs, string, () => Promise<string>, string]>([
  ["DynamoDB", "a connection that breaks", breaking, "ECONNRESET"],
  ["DynamoDB", "nobody there", absent, "ECONNREFUSED"],
  ["DynamoDB", "a store that is silent", silent, "ETIMEDOUT"],
  ["SQS", "nobody there", absent, "ECONNREFUSED"],
  ["SQS, urgently", "nobody there", absent, "ECONNREFUSED"],
  ["SQS, urgently", "a queue that is silent", silent, "ETIMEDOUT"],
])(
  "a client of %s gives up within its timeouts: %s",
  async (name, _, start, cause) => {
    const environment = {
      ...process.env,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      AWS_ENDPOINT_URL: await start(),
    };
    const options = { env: environment, encoding: "utf8" } as const;
    const run = promisify(execFile);
    const code = programs[name] + asking;
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", code], options);
    expect(stdout.trim()).toBe(`StoreUnavailable ${cause}`);
  },
  30_000,
);
