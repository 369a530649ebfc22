import { type DynamoDBClient, ScanCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { startDynamoDb } from "../../bin/local/dynamodb.ts";
import { parseRescueRecord } from "../../functions/adapters/rescue/rescue-record.ts";
import {
  addCanaries,
  canariesIn,
  canary,
  canaryCount,
  canaryKey,
  canaryTokens,
} from "../support/canaries.ts";
import { localDynamoDbClient } from "../support/local-aws-clients.ts";
import { tableNames } from "../support/local-dynamodb.ts";
import { type LocalQueues, startLocalQueues } from "../support/local-queues.ts";
import { type LocalService, startLocalService } from "../support/local-service.ts";
import { type ProviderStandIn, type Respond, startProvider } from "../support/provider-stand-in.ts";
import {
  type RecordingProxy,
  setsAttribute,
  startRecordingProxy,
} from "../support/recording-proxy.ts";
import { canaryResponses, echo, tokenResponse } from "./canary-responses.ts";

/*
 * Canaries go down every path that handles a secret. Then everything that the service printed, returned,
 * queued and stored is searched for them.
 */

let dynamoDb: Awaited<ReturnType<typeof startDynamoDb>>;
let table: DynamoDBClient;
let proxy: RecordingProxy;
let queues: LocalQueues;
let service: LocalService;
const providers: ProviderStandIn[] = [];
/** Bodies and headers of the API's responses. */
const returned: string[] = [];
/** The CLI's output. */
const shown: string[] = [];
/** The connections whose commits fail, and those that cannot be queued either. */
const uncommittable = new Set<string>();
const unqueueable = new Set<string>();

const concerns = (connectionIds: ReadonlySet<string>, body: string): boolean =>
  [...connectionIds].some((connectionId) => body.includes(connectionId));

beforeAll(async () => {
  dynamoDb = await startDynamoDb();
  table = localDynamoDbClient(dynamoDb.endpoint);
  proxy = await startRecordingProxy(
    dynamoDb.endpoint,
    (passing) => setsAttribute(passing, "credentials") && concerns(uncommittable, passing.body),
  );
  queues = await startLocalQueues(({ body }) => concerns(unqueueable, body));
  service = await startLocalService({
    ...queues.environment,
    AWS_ENDPOINT_URL_DYNAMODB: proxy.url,
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    PROVIDER_TIMEOUT_SECONDS: "1",
    LOG_LEVEL: "DEBUG",
    POWERTOOLS_METRICS_DISABLED: "false",
  });
});
afterAll(async () => {
  await service.stop();
  table.destroy();
  await Promise.all([proxy, dynamoDb, queues, ...providers].map((one) => one.close()));
});

const admin = async (args: string, stdin?: string): Promise<string> => {
  const output = await service.admin(args, stdin);
  shown.push(output);
  return output;
};
const refresh = async (...args: Parameters<LocalService["refresh"]>) => {
  const response = await service.refresh(...args);
  returned.push(JSON.stringify([...response.headers, response.body]));
  return response;
};
const show = (connectionId: string): Promise<string> =>
  admin(`connections show ${connectionId} --workspace wsp_demo --json`);

/** @returns the provider of a new integration, which has a connection of the name `conn_<integration>` */
async function connect(
  integration: string,
  respond: Respond,
  options = "--auth client_secret_post",
  secret = canary("secret"),
  tokens: object = canaryTokens(),
): Promise<ProviderStandIn> {
  const provider = await startProvider(respond);
  providers.push(provider);
  const endpoint = `--token-endpoint ${provider.url} --client-id c`;
  await admin(`integrations put ${integration} ${endpoint} ${options}`, secret);
  const connection = `conn_${integration} --workspace wsp_demo --integration ${integration}`;
  await admin(`connections put ${connection}`, JSON.stringify(tokens));
  return provider;
}

/** The keys of a client that signs, and of a connection. The provider repeats what they signed. */
async function refreshWithKeys(): Promise<void> {
  const keyed = { ...canaryTokens(), dpop_jwk: canaryKey() };
  const secret = JSON.stringify(canaryKey());
  const options = "--auth private_key_jwt --dpop";
  const provider = await connect("signing", echo(400, "invalid_grant"), options, secret, keyed);
  expect((await refresh("conn_signing")).status).toBe(409);
  await show("conn_signing");
  await admin("integrations show signing --json");
  const [sent] = provider.requests;
  const assertion = new URLSearchParams(sent?.body).get("client_assertion");
  const signed = [String(assertion), String(sent?.headers.dpop)];
  expect(signed).toEqual([expect.stringMatching(/^eyJ/), expect.stringMatching(/^eyJ/)]);
  addCanaries(...signed);
}

/** Unknown credentials, and values that a careless caller puts where they do not belong. */
async function sendBadRequests(): Promise<void> {
  const bearers = [
    `Bearer otr_${"x".repeat(22)}${canary("key").slice(0, 21)}`,
    `Bearer ${canary("jwt")}`,
    `Basic ${canary("basic")}`,
  ];
  for (const Authorization of bearers) {
    expect((await refresh("conn_demo", {}, { Authorization })).status).toBe(401);
  }
  expect((await refresh("conn!demo")).status).toBe(422);
  expect((await refresh("conn_demo", { force: canary("member") })).status).toBe(422);
  const headers = { "X-Workspace-Id": `!${canary("header")}` };
  expect((await refresh("conn_demo", undefined, headers)).status).toBe(422);
}

/** Credentials in the table that are no ciphertext. */
async function refreshDamagedCredentials(): Promise<void> {
  await connect("damaged", tokenResponse);
  const update = (UpdateExpression: string, values = {}) =>
    table.send(
      new UpdateItemCommand({
        TableName: tableNames.connections,
        Key: { connection_id: { S: "conn_damaged" } },
        UpdateExpression,
        ...values,
      }),
    );
  const ExpressionAttributeValues = { ":c": { S: canary("plain") } };
  await update("SET credentials = :c", { ExpressionAttributeValues });
  expect((await refresh("conn_damaged")).status).toBe(500);
  await update("REMOVE credentials");
}

/** The commits of one connection reach the rescue queue, those of the other one the log alone. */
async function failToCommit(): Promise<void> {
  await connect("rescued", tokenResponse);
  const provider = await connect("unlucky", tokenResponse);
  for (const connectionId of ["conn_rescued", "conn_unlucky"]) uncommittable.add(connectionId);
  unqueueable.add("conn_unlucky");
  const responses = await Promise.all([refresh("conn_rescued"), refresh("conn_unlucky")]);
  expect(responses.map(({ body }) => body.code)).toEqual(Array(2).fill("store_unavailable"));
  expect(await queues.rescues()).toBe(1);
  uncommittable.clear();
  unqueueable.clear();
  await queues.drained();
  const messages = queues.answered.flatMap((body) => JSON.parse(body).MessageBody ?? []);
  expect(messages.map((body) => parseRescueRecord(body).connectionId)).toEqual(["conn_rescued"]);
  expect(service.output().match(/"commit.last_resort"/g)).toHaveLength(1);

  for (const _ of ["once", "again"]) {
    const rescued = JSON.parse(await admin("rescue --json", service.output()));
    expect(rescued).toMatchObject([{ connection_id: "conn_unlucky", outcome: "committed" }]);
  }
  expect(JSON.parse(await show("conn_unlucky"))).toMatchObject({ status: "active" });
  expect((await refresh("conn_unlucky", { force: true })).status).toBe(200);
  const sent = provider.requests.map(({ body }) => new URLSearchParams(body).get("refresh_token"));
  expect(new Set(sent).size).toBe(2);
}

async function listAll(): Promise<void> {
  await admin("keys list --json");
  await admin("connections list --json");
  await admin("connections list --reauthorize-within 30d");
  await admin("integrations list --json");
}

test("no token, secret or key is in a log line, response, item, message or output of the CLI", async () => {
  for (const { name, respond, status, options } of canaryResponses) {
    await connect(name, respond, options);
    expect([name, (await refresh(`conn_${name}`)).status]).toEqual([name, status]);
    await show(`conn_${name}`);
    await admin(`integrations show ${name}`);
  }
  await refreshWithKeys();
  await sendBadRequests();
  await refreshDamagedCredentials();
  await failToCommit();
  await listAll();

  const tables = await Promise.all(
    Object.values(tableNames).map((TableName) => table.send(new ScanCommand({ TableName }))),
  );
  const everything = {
    printed: service.output(),
    returned: returned.join("\n"),
    shown: shown.join("\n"),
    queued: queues.answered.join("\n"),
    stored: JSON.stringify(tables.map(({ Items }) => Items)),
  };
  expect(canaryCount()).toBeGreaterThan(100);
  for (const [where, text] of Object.entries(everything)) {
    expect(text.length).toBeGreaterThan(1_000);
    expect([where, canariesIn(text)]).toEqual([where, []]);
  }
});
