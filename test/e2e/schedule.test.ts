import { type DynamoDBClient, GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { ConnectionId } from "../../functions/domain/model/connection.ts";
import { shardOf } from "../../functions/domain/schedule/due.ts";
import { localDynamoDbClient } from "../support/local-aws-clients.ts";
import { type LocalService, startLocalService } from "../support/local-service.ts";
import { type ProviderStandIn, startProvider } from "../support/provider-stand-in.ts";

/** The service as `npm start` runs it, with a sweep every second. */
let service: LocalService;
let table: DynamoDBClient;
beforeAll(async () => {
  service = await startLocalService({ SCHEDULE: "on", SWEEP_INTERVAL_SECONDS: "1" });
  table = localDynamoDbClient(service.environment.AWS_ENDPOINT_URL_DYNAMODB ?? "");
});
afterAll(async () => {
  table.destroy();
  await service.stop();
});

const Key = (connectionId: string) => ({ connection_id: { S: connectionId } });
const TableName = () => service.environment.CONNECTIONS_TABLE ?? "";

/** Makes a connection due in a moment. */
async function makeDue(connectionId: string): Promise<void> {
  await table.send(
    new UpdateItemCommand({
      TableName: TableName(),
      Key: Key(connectionId),
      UpdateExpression: "SET refresh_shard = :shard, refresh_at = :at",
      ExpressionAttributeValues: {
        ":shard": { N: String(shardOf(connectionId as ConnectionId)) },
        ":at": { N: String(Math.floor(Date.now() / 1000) + 3) },
      },
    }),
  );
}

async function item(connectionId: string) {
  const command = new GetItemCommand({ TableName: TableName(), Key: Key(connectionId) });
  return (await table.send(command)).Item ?? {};
}

/** Repeats `ask` until its value is the expected one, which happens in another process. */
async function until<Value>(
  ask: () => Promise<Value>,
  holds: (value: Value) => boolean,
): Promise<Value> {
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test("a due connection is refreshed, scheduled again, and logged in a line", async () => {
  const before = Number((await item("conn_demo")).credentials_version?.N);
  await makeDue("conn_demo");
  const after = await until(
    () => item("conn_demo"),
    ({ credentials_version }) => Number(credentials_version?.N) > before,
  );
  expect(after.lease_id).toBeUndefined();
  expect(Date.parse(after.expires_at?.S ?? "")).toBeGreaterThan(Date.now() + 60_000);
  expect(Number(after.refresh_at?.N) * 1000).toBeGreaterThan(Date.now());
  await until(
    async () => service.output(),
    (output) =>
      /\d\d:\d\d:\d\d {2}schedule {2}conn_demo {2}refreshed, expires at \d\d:/.test(output),
  );
  // The authorization server accepts no other refresh token than the one that it issued last.
  expect((await service.refresh("conn_demo", { force: true })).status).toBe(200);
});

describe("a provider that is down", () => {
  let provider: ProviderStandIn;
  beforeAll(async () => {
    provider = await startProvider((response) => response.writeHead(500).end("{}"));
    const put = `integrations put down --token-endpoint ${provider.url} --client-id c --auth none`;
    await service.admin(put);
    for (let n = 0; n < 8; n++) {
      await service.admin(
        `connections put conn_down_${n} --workspace wsp_demo --integration down`,
        `rt-${n}`,
      );
    }
  });
  afterAll(() => provider.close());

  test("is held: its connections are postponed without a request, and a caller gets a Retry-After", async () => {
    await Promise.all(Array.from({ length: 8 }, (_, n) => makeDue(`conn_down_${n}`)));
    const failures = await until(
      () => Promise.all(Array.from({ length: 8 }, (_, n) => item(`conn_down_${n}`))),
      (items) => items.every(({ failure }) => failure !== undefined),
    );
    for (const { status, refresh_at } of failures) {
      expect(status?.S).toBe("active");
      expect(Number(refresh_at?.N) * 1000).toBeGreaterThan(Date.now() - 60_000);
    }
    const refresh = () => service.refresh("conn_down_0");
    // The failures count as the provider's once every process could have reported a success.
    await until(refresh, ({ body }) => body.code === "integration_held");
    const asked = provider.requests.length;
    const { status, headers, body } = await refresh();
    expect([status, body.code]).toEqual([503, "integration_held"]);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    expect(provider.requests).toHaveLength(asked);
  });

  test("delays no other integration", async () => {
    expect((await service.refresh("conn_demo", { force: true })).status).toBe(200);
  });
});
