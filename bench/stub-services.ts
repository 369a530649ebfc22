import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import {
  type AwsJson,
  type AwsJsonServer,
  startAwsJsonServer,
} from "../bin/local/aws-json-server.ts";
import { startKms } from "../bin/local/kms.ts";
import { startSecretsManager } from "../bin/local/secrets-manager.ts";

/**
 * The stub services of the benchmarked handlers: a table, KMS, Secrets Manager and a provider that rotates.
 * They run on a separate thread, so that they take no time from the handlers.
 */

type Attributes = Record<string, { S?: string; N?: string; M?: Attributes }>;

export interface StubMessage {
  readonly request: "counts" | "gaps" | "put";
  readonly item?: Attributes;
}

export interface StubAddresses {
  readonly dynamodb: string;
  readonly kms: string;
  readonly keyId: string;
  readonly secretsManager: string;
  readonly tokenEndpoint: string;
}

/** Milliseconds from the provider's last byte to the acknowledged write that follows it. */
const gapsMs: number[] = [];
let respondedAtMs: number | undefined;

const items = new Map<string | undefined, Attributes>();
const keyOf = (input: AwsJson): string | undefined => (input.Key as Attributes).connection_id?.S;

/** Ignores conditions: the single caller of a benchmark never fails one. */
function updateItem(input: AwsJson): AwsJson {
  const values = input.ExpressionAttributeValues as Attributes;
  let item = items.get(keyOf(input)) ?? {};
  const sealed = Object.values(values).find(({ S }) => S?.startsWith("eyJ"));
  if (sealed !== undefined) {
    item = {
      ...item,
      credentials: sealed,
      credentials_version: { N: String(Number(item.credentials_version?.N) + 1) },
    };
    items.set(keyOf(input), item);
  }
  if (respondedAtMs !== undefined) {
    gapsMs.push(performance.now() - respondedAtMs);
    respondedAtMs = undefined;
  }
  return input.ReturnValues === "ALL_NEW" ? { Attributes: item } : {};
}

const startDynamoDb = (): Promise<AwsJsonServer> =>
  startAwsJsonServer({
    targetPrefix: "DynamoDB_20120810",
    operations: { GetItem: (input) => ({ Item: items.get(keyOf(input)) }), UpdateItem: updateItem },
  });

async function startProvider(): Promise<{ readonly tokenEndpoint: string; grants(): number }> {
  let grants = 0;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      const body = JSON.stringify({
        access_token: `access-${++grants}`,
        refresh_token: `refresh-${grants}`,
        token_type: "Bearer",
        expires_in: 3600,
      });
      respondedAtMs = performance.now();
      response.writeHead(200, { "content-type": "application/json" }).end(body);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return { tokenEndpoint: `http://127.0.0.1:${port}/token`, grants: () => grants };
}

if (parentPort !== null && workerData === "stub services") {
  const port = parentPort;
  const [dynamodb, kms, secretsManager, provider] = await Promise.all([
    startDynamoDb(),
    startKms(),
    startSecretsManager(),
    startProvider(),
  ]);
  port.on("message", (message: StubMessage) => {
    if (message.item) items.set(message.item.connection_id?.S, message.item);
    port.postMessage(
      message.request === "gaps"
        ? gapsMs
        : {
            dynamodb: dynamodb.requests(),
            kms: kms.requests(),
            secretsManager: secretsManager.requests(),
            grants: provider.grants(),
          },
    );
  });
  port.postMessage({
    dynamodb: dynamodb.endpoint,
    kms: kms.endpoint,
    keyId: kms.keyArn,
    secretsManager: secretsManager.endpoint,
    tokenEndpoint: provider.tokenEndpoint,
  } satisfies StubAddresses);
}
