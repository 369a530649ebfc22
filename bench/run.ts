import { once } from "node:events";
import { closeSync, openSync, writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { CreateSecretCommand } from "@aws-sdk/client-secrets-manager";
import {
  dynamoDbClient,
  kmsClient,
  secretsManagerClient,
} from "../functions/adapters/aws/clients.ts";
import type { ConnectionId, WorkspaceId } from "../functions/domain/model/connection.ts";
import { Secret } from "../functions/domain/model/secret.ts";
import { tokenCipherConfig } from "../functions/runtime/config.ts";
import { tokenCipher } from "../functions/runtime/token-cipher.ts";
import { initTimes } from "./init.ts";
import { median, quantile } from "./statistics.ts";
import type { StubAddresses, StubMessage } from "./stub-services.ts";
import { bundles, type Subject } from "./subjects.ts";

/**
 * Compares the service with a handler written by hand (floor.ts) in one run. The ratios carry over to
 * other machines, the milliseconds do not.
 */

const warmUps = 300;
const refreshes = 2_000;
/** The number of connections that are refreshed once each, as a sweep does. */
const connectionCount = 500;
const connectionId = "conn_bench" as ConnectionId;
const connectionIdAt = (index: number): ConnectionId => `conn_${index}` as ConnectionId;
const workspaceId = "wsp_bench" as WorkspaceId;

/** Runs the work with stdout redirected to /dev/null. The cost of writing log lines stays in the figures. */
const silenced = <T>(work: () => Promise<T>): Promise<T> => {
  const { write } = process.stdout;
  const nowhere = openSync("/dev/null", "w");
  process.stdout.write = (chunk: string | Uint8Array): boolean => {
    writeSync(nowhere, chunk.toString());
    return true;
  };
  return work().finally(() => {
    process.stdout.write = write;
    closeSync(nowhere);
  });
};

const worker = new Worker(new URL("stub-services.ts", import.meta.url), {
  workerData: "stub services",
});
const [stubs]: [StubAddresses] = (await once(worker, "message")) as [StubAddresses];

async function requestStubs<Response>(message: StubMessage): Promise<Response> {
  const response = once(worker, "message");
  worker.postMessage(message);
  return (await response)[0];
}

Object.assign(process.env, {
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "bench",
  AWS_SECRET_ACCESS_KEY: "bench",
  AWS_ENDPOINT_URL_DYNAMODB: stubs.dynamodb,
  AWS_ENDPOINT_URL_KMS: stubs.kms,
  AWS_ENDPOINT_URL_SECRETS_MANAGER: stubs.secretsManager,
  CONNECTIONS_TABLE: "connections",
  COORDINATION_TABLE: "coordination",
  BRANCH_KEYS_TABLE: "branch-keys",
  STAGE: "bench",
  SECRET_PREFIX: "bench",
  KMS_KEY_ID: stubs.keyId,
  ALLOW_LOOPBACK_PROVIDERS: "true",
});

async function seed(): Promise<void> {
  await secretsManagerClient().send(
    new CreateSecretCommand({
      Name: "bench/integrations/acme",
      SecretString: JSON.stringify({
        client_id: "client",
        client_secret: "client-secret",
        token_endpoint_auth_method: "client_secret_post",
        token_endpoint: stubs.tokenEndpoint,
      }),
    }),
  );
  const ids = [
    connectionId,
    ...Array.from({ length: connectionCount }, (_, index) => connectionIdAt(index)),
  ];
  for (const id of ids) await put(id);
}

async function put(connectionId: ConnectionId): Promise<void> {
  const clients = { dynamoDb: dynamoDbClient(), kms: kmsClient() };
  const cipher = tokenCipher(tokenCipherConfig(process.env), clients);
  const credentials = await cipher.seal(
    {
      accessToken: new Secret("access-0"),
      refreshToken: new Secret("refresh-0"),
      tokenType: "Bearer",
      scope: undefined,
      expiresAtMs: Date.now(),
      extra: {},
    },
    { connectionId, workspaceId, version: 1 },
    undefined,
  );
  await requestStubs({
    request: "put",
    item: {
      connection_id: { S: connectionId },
      workspace_id: { S: workspaceId },
      integration: { S: "acme" },
      status: { S: "active" },
      refresh_token: { S: "refresh-0" },
      credentials: { S: credentials },
      credentials_version: { N: "1" },
      config: { M: {} },
    },
  });
}

const eventOf = (connectionId: ConnectionId) => ({
  httpMethod: "POST",
  path: `/api/v1/oauth/refresh/${connectionId}`,
  headers: { "Content-Type": "application/json" },
  multiValueHeaders: { "Content-Type": ["application/json"] },
  pathParameters: { connection_id: connectionId },
  requestContext: {
    requestId: "bench",
    authorizer: {
      principalId: "key:bench",
      default_workspace_id: workspaceId,
      workspace_ids: workspaceId,
    },
  },
  body: '{"force":true}',
  isBase64Encoded: false,
});
const event = eventOf(connectionId);
const context = { awsRequestId: "bench", getRemainingTimeInMillis: () => 25_000 };

/** Returns the duration of each refresh in milliseconds. The subjects alternate. */
async function warmTimes(subjects: readonly Subject[]): Promise<number[][]> {
  const handlers = subjects.map((subject) => subject.load());
  const times = subjects.map((): number[] => []);
  for (let i = -warmUps; i < refreshes; i++) {
    for (const [index, handler] of handlers.entries()) {
      const began = performance.now();
      const response = await handler({ ...event }, context);
      if (i >= 0) times[index]?.push(performance.now() - began);
      if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${response.body}`);
    }
  }
  return times;
}

type Counts = Record<"dynamodb" | "kms" | "secretsManager", Record<string, number>> & {
  readonly grants: number;
};

const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** Returns the number of requests per refresh, in a process that has not seen these connections. */
async function requestsPerRefresh(
  subject: Subject,
  connectionIds: readonly ConnectionId[],
): Promise<Record<string, number>> {
  const handler = subject.load();
  const before = await requestStubs<Counts>({ request: "counts" });
  for (const id of connectionIds) await handler(eventOf(id), context);
  const after = await requestStubs<Counts>({ request: "counts" });
  const perRefresh = (of: "dynamodb" | "kms" | "secretsManager") =>
    (sum(after[of]) - sum(before[of])) / (after.grants - before.grants);
  return {
    DynamoDB: perRefresh("dynamodb"),
    KMS: perRefresh("kms"),
    "Secrets Manager": perRefresh("secretsManager"),
  };
}

const rows: [what: string, ours: string, floor: string, ratio: string, target: string][] = [];
const ms = (value: number): string => `${value.toFixed(2)} ms`;
const kib = (value: number): string => `${(value / 1024).toFixed(0)} KiB`;
const compare = (
  what: string,
  [ours = Number.NaN, floor = Number.NaN]: readonly number[],
  unit: (value: number) => string,
  target: string,
) => rows.push([what, unit(ours), unit(floor), `${(ours / floor).toFixed(2)} ×`, target]);

const built = bundles();
try {
  const api = built.bundle("api", "functions/lambda/api.ts");
  const floor = built.bundle("floor", "bench/floor.ts");
  const authorizer = built.bundle("authorizer", "functions/lambda/authorizer.ts");
  compare("bundle", [api.bytes, floor.bytes], kib, "");
  compare("bundle, gzipped", [api.gzippedBytes, floor.gzippedBytes], kib, "");
  rows.push(["bundle of the authorizer", kib(authorizer.bytes), "", "", ""]);
  compare("init", initTimes([api, floor]), ms, "≤ 1.00 ×");
  compare("init, both with a compile cache", initTimes([api, floor], built.directory), ms, "");
  await seed();
  const [ours = [], floors = []] = await silenced(() => warmTimes([api, floor]));
  compare("warm refresh, median", [median(ours), median(floors)], ms, "≤ 1.15 ×");
  compare("warm refresh, p99", [quantile(ours, 0.99), quantile(floors, 0.99)], ms, "");
  const again = Array.from({ length: refreshes }, () => connectionId);
  const each = Array.from({ length: connectionCount }, (_, index) => connectionIdAt(index));
  const targets: Record<string, string> = {
    DynamoDB: "2",
    KMS: "≤ 1",
    "Secrets Manager": "≤ 0.01",
  };
  for (const [which, ids] of [
    ["one connection", again],
    ["each its first", each],
  ] as const) {
    const requests = await silenced(() => requestsPerRefresh(api, ids));
    for (const [name, count] of Object.entries(requests)) {
      const what = `requests to ${name} a refresh, ${which}`;
      rows.push([what, count.toFixed(4), "", "", targets[name] ?? ""]);
    }
  }
  const gaps = (await requestStubs<number[]>({ request: "gaps" })).slice(-refreshes);
  rows.push(["last byte to commit, median", ms(median(gaps)), "", "", ""]);
  rows.push(["last byte to commit, p99", ms(quantile(gaps, 0.99)), "", "", "≤ 10 ms"]);
} finally {
  built.remove();
  await worker.terminate();
}

console.log(`Node.js ${process.version}, ${process.platform} ${process.arch}\n`);
const header = ["", "this service", "floor", "ratio", "target"];
for (const row of [header, header.map(() => "---"), ...rows]) {
  console.log(`| ${row.join(" | ")} |`);
}
