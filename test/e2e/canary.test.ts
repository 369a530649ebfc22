import { generateKeyPairSync, type JsonWebKey } from "node:crypto";
import { ScanCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { startDynamoDb } from "../../bin/local/dynamodb.ts";
import { parseRescueRecord } from "../../functions/adapters/rescue/rescue-record.ts";
import { localDynamoDbClient } from "../support/local-aws-clients.ts";
import { tableNames } from "../support/local-dynamodb.ts";
import { type LocalQueues, startLocalQueues } from "../support/local-queues.ts";
import { type LocalService, startLocalService } from "../support/local-service.ts";
import { type ProviderStandIn, startProvider } from "../support/provider-stand-in.ts";
import { type RecordingProxy, startRecordingProxy } from "../support/recording-proxy.ts";

jest.setTimeout(300_000);

/**
 * Tokens, secrets and keys with values that are easily found go down every path there is; then what
 * the service has printed, answered and stored is searched for them. Half of them look like words, so
 * that no pattern for secrets can be what hides them.
 */
const canaries: string[] = [];
let serial = 0;
function canary(what: string): string {
  serial += 1;
  const word = [...String(serial)].map((digit) => "abcdefghij"[Number(digit)]).join("");
  const value = serial % 2 ? `canary-${what}-${word}` : `cnry${serial}A8f3kQ9x2Lm7Zp4Rt6Wv1${what}`;
  canaries.push(value);
  return value;
}

/** A private JWK. */
function newKey(): JsonWebKey {
  const { d = "", ...others } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  canaries.push(d);
  return { ...others, d };
}

type Respond = Parameters<typeof startProvider>[0];
const reply =
  (status: number, contentType: string, body: string): Respond =>
  (response) => {
    response.writeHead(status, { "Content-Type": contentType }).end(body);
  };
const tokens = () => ({
  access_token: canary("access"),
  refresh_token: canary("refresh"),
  id_token: `eyJhbGciOiJub25lIn0.${canary("idtoken")}.sig`,
  token_type: "Bearer",
  expires_in: 3600,
  api_secret: canary("extra"),
});
const json = (status: number, body: unknown) =>
  reply(status, "application/json", JSON.stringify(body));
/** A provider that says back what it was sent, the worst of all. */
const echo =
  (status: number, error: string): Respond =>
  (response, { path, body, headers }) => {
    const description = `not good: ${path} ${body} ${headers.authorization} ${decodeURIComponent(body)}`;
    const message = `${decodeURIComponent(path ?? "")} ${description}`;
    json(status, {
      error,
      error_description: description,
      error_uri: `https://x/?${body}`,
      message,
    })(response, {
      method: "POST",
      path: "/",
      headers: {},
      body: "",
    });
  };

let dynamoDb: Awaited<ReturnType<typeof startDynamoDb>>;
let proxy: RecordingProxy;
let queues: LocalQueues;
let service: LocalService;
let commitsFail = false;
let queuesFail = false;
const providers: ProviderStandIn[] = [];
const answers: string[] = [];
const printed: string[] = [];

beforeAll(async () => {
  dynamoDb = await startDynamoDb();
  proxy = await startRecordingProxy(
    dynamoDb.endpoint,
    ({ operation, body }) =>
      commitsFail && operation === "UpdateItem" && body.includes("SET credentials"),
  );
  queues = await startLocalQueues(() => queuesFail);
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
  const servers = [proxy, dynamoDb, queues, ...providers];
  await Promise.all(servers.map((one) => one.close()));
});

const admin = async (args: string, stdin?: string): Promise<string> => {
  const output = await service.admin(args, stdin);
  printed.push(output);
  return output;
};
const refresh = async (...args: Parameters<LocalService["refresh"]>) => {
  const answer = await service.refresh(...args);
  answers.push(JSON.stringify([...answer.headers, answer.body]));
  return answer;
};

async function connect(name: string, respond: Respond, auth = "client_secret_post", oddities = "") {
  const provider = await startProvider(respond);
  providers.push(provider);
  await admin(
    `integrations put ${name} --token-endpoint ${provider.url} --client-id c --auth ${auth}${oddities}`,
    canary("secret"),
  );
  await admin(
    `connections put conn_${name} --workspace wsp_demo --integration ${name}`,
    JSON.stringify(tokens()),
  );
  return `conn_${name}`;
}

const inQuery = " --set parameters_in=query --set error_text_at=message";
const inJson = " --set parameters_in=json --set error_text_at=message";
const isDead = ' --set errors=[{"means":"dead","error":"gone"}]';

const paths: readonly [string, Respond, number, string?][] = [
  ["granted", (...args) => json(200, tokens())(...args), 200],
  [
    "odd",
    (...args) => json(203, { ...tokens(), error: "odd", expires_in: canary("expiry") })(...args),
    200,
  ],
  [
    "form",
    (...args) =>
      reply(200, "text/plain", `access_token=${canary("a")}&refresh_token=${canary("r")}`)(...args),
    200,
  ],
  [
    "cut-off",
    (...args) => reply(200, "application/json", JSON.stringify(tokens()).slice(0, -20))(...args),
    200,
  ],
  ["refused", echo(400, "invalid_grant"), 409],
  ["client", echo(401, "invalid_client"), 502],
  ["client-basic", echo(401, "invalid_client"), 502],
  ["failing", echo(500, "server_error"), 502],
  ["unknown", echo(400, "weird_error"), 502],
  ["html", (...args) => reply(200, "text/html", `<p>${canary("page")}`)(...args), 502],
  [
    "garbage",
    (...args) => reply(200, "application/json", `{"access_tok": "${canary("garbage")}`)(...args),
    502,
  ],
  [
    "redirect",
    (response) => response.writeHead(302, { Location: `https://x/?t=${canary("location")}` }).end(),
    502,
  ],
  ["query", echo(400, "invalid_grant"), 409, inQuery],
  ["ruled", echo(400, "gone"), 409, `${inJson}${isDead}`],
  [
    "nested",
    (...args) => json(200, { data: tokens(), ...tokens() })(...args),
    200,
    " --set tokens_at=data",
  ],
  ["slow", () => undefined, 504],
  ["closed", (response) => response.destroy(), 502],
];

test("no token, secret or key is in a line, an answer, an item, a message or what the CLI shows", async () => {
  for (const [name, respond, status, oddities] of paths) {
    const auth = name.endsWith("-basic") ? "client_secret_basic" : "client_secret_post";
    const connectionId = await connect(name, respond, auth, oddities);
    expect([name, (await refresh(connectionId)).status]).toEqual([name, status]);
    await admin(`connections show ${connectionId} --workspace wsp_demo --json`);
    await admin(`integrations show ${name}`);
  }

  // Keys of a client that signs, and of the connection; what they signed comes back in the answer.
  const signing = await startProvider(echo(400, "invalid_grant"));
  providers.push(signing);
  await admin(
    `integrations put signing --token-endpoint ${signing.url} --client-id c --auth private_key_jwt --dpop`,
    JSON.stringify(newKey()),
  );
  await admin(
    "connections put conn_signing --workspace wsp_demo --integration signing",
    JSON.stringify({ ...tokens(), dpop_jwk: newKey() }),
  );
  expect((await refresh("conn_signing")).status).toBe(409);
  await admin("connections show conn_signing --workspace wsp_demo --json");
  await admin("integrations show signing --json");
  const [sentOnce] = signing.requests;
  const assertion = new URLSearchParams(sentOnce?.body).get("client_assertion");
  canaries.push(String(assertion), String(sentOnce?.headers.dpop));
  expect(canaries.slice(-2)).toEqual([
    expect.stringMatching(/^eyJ/),
    expect.stringMatching(/^eyJ/),
  ]);

  // A bearer that nobody knows, and what a careless caller puts where it does not belong.
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
  expect(
    (await refresh("conn_demo", undefined, { "X-Workspace-Id": `!${canary("header")}` })).status,
  ).toBe(422);

  // Credentials that were damaged in the table.
  const client = localDynamoDbClient(dynamoDb.endpoint);
  const damaged = await connect("damaged", (...args) => json(200, tokens())(...args));
  await client.send(
    new UpdateItemCommand({
      TableName: tableNames.connections,
      Key: { connection_id: { S: damaged } },
      UpdateExpression: "SET credentials = :c",
      ExpressionAttributeValues: { ":c": { S: canary("plain") } },
    }),
  );
  expect((await refresh(damaged)).status).toBe(500);
  await client.send(
    new UpdateItemCommand({
      TableName: tableNames.connections,
      Key: { connection_id: { S: damaged } },
      UpdateExpression: "REMOVE credentials",
    }),
  );

  // The commit fails for the whole of the invocation: the token set goes over the rescue queue.
  const rescuedId = await connect("rescued", (...args) => json(200, tokens())(...args));
  commitsFail = true;
  expect((await refresh(rescuedId)).body.code).toBe("store_unavailable");
  expect(await queues.rescues()).toBe(1);
  commitsFail = false;
  await queues.drained();
  const messages = queues.answered.flatMap((body) => JSON.parse(body).MessageBody ?? []);
  expect(messages.map((body) => parseRescueRecord(body).connectionId)).toEqual([rescuedId]);
  expect(service.output()).not.toContain("commit.last_resort");

  // The queue fails as well: the ciphertext in the log is all there is.
  const unlucky = await connect("unlucky", (...args) => json(200, tokens())(...args));
  commitsFail = true;
  queuesFail = true;
  expect((await refresh(unlucky)).body.code).toBe("store_unavailable");
  commitsFail = false;
  queuesFail = false;
  expect(service.output()).toContain("commit.last_resort");
  const rescued = JSON.parse(await admin("rescue --json", service.output()));
  expect(rescued).toMatchObject([{ connection_id: unlucky, outcome: "committed" }]);
  const again = JSON.parse(await admin("rescue --json", service.output()));
  expect(again).toMatchObject([{ connection_id: unlucky, outcome: "committed" }]);
  const shown = await admin(`connections show ${unlucky} --workspace wsp_demo --json`);
  expect(JSON.parse(shown)).toMatchObject({
    credentials_version: expect.any(Number),
    status: "active",
  });
  expect((await refresh(unlucky, { force: true })).status).toBe(200);
  const sent = providers
    .at(-1)
    ?.requests.map(({ body }) => new URLSearchParams(body).get("refresh_token"));
  expect(new Set(sent).size).toBe(2);

  await admin("keys list --json");
  await admin("connections list --json");
  await admin("connections list --reauthorize-within 30d");
  await admin("integrations list --json");
  const tables = await Promise.all(
    Object.values(tableNames).map((TableName) => client.send(new ScanCommand({ TableName }))),
  );
  client.destroy();
  const everything = {
    printed: service.output(),
    answered: answers.join("\n"),
    shown: printed.join("\n"),
    queued: queues.answered.join("\n"),
    stored: JSON.stringify(tables.map(({ Items }) => Items)),
  };
  expect(canaries.length).toBeGreaterThan(100);
  for (const [where, text] of Object.entries(everything)) {
    expect(text.length).toBeGreaterThan(1_000);
    expect([where, canaries.filter((value) => text.includes(value))]).toEqual([where, []]);
  }
});
