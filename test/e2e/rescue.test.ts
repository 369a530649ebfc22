import {
  type AuthorizationServer,
  startAuthorizationServer,
} from "../../bin/local/authorization-server.ts";
import { startDynamoDb } from "../../bin/local/dynamodb.ts";
import { parseRescueRecord } from "../../functions/adapters/rescue/rescue-record.ts";
import { type LocalQueues, startLocalQueues } from "../support/local-queues.ts";
import { type LocalService, startLocalService } from "../support/local-service.ts";
import { startRecordingProxy } from "../support/recording-proxy.ts";

const connectionId = "conn_rescued";

interface World {
  readonly service: LocalService;
  readonly queues: LocalQueues;
  readonly authorizationServer: AuthorizationServer;
  bringStoreBack(): void;
  close(): Promise<void>;
}

/** A service whose store goes the moment that the provider has answered for the first time. */
async function startWorld(): Promise<World> {
  const [dynamoDb, queues, authorizationServer] = await Promise.all([
    startDynamoDb(),
    startLocalQueues(),
    startAuthorizationServer(),
  ]);
  let storeIsGone = false;
  let answers = 0;
  const [store, provider] = await Promise.all([
    startRecordingProxy(dynamoDb.endpoint, () => storeIsGone),
    startRecordingProxy(authorizationServer.tokenEndpoint, ({ moment }) => {
      if (moment === "response" && ++answers === 1) storeIsGone = true;
      return false;
    }),
  ]);
  const service = await startLocalService({
    ...{ AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" },
    ...{ AWS_ENDPOINT_URL_DYNAMODB: store.url, ...queues.environment },
    PROVIDER_TIMEOUT_SECONDS: "1",
  });
  await service.admin(
    `integrations put rescued --token-endpoint ${provider.url} --client-id ${authorizationServer.clientId}`,
    authorizationServer.clientSecret(),
  );
  await service.admin(
    `connections put ${connectionId} --workspace wsp_demo --integration rescued`,
    await authorizationServer.mintRefreshToken(),
  );
  return {
    ...{ service, queues, authorizationServer },
    bringStoreBack: () => {
      storeIsGone = false;
    },
    close: async () => {
      await service.stop();
      const all = [store, provider, dynamoDb, queues, authorizationServer];
      await Promise.all(all.map((one) => one.close()));
    },
  };
}

const show = async (service: LocalService): Promise<Readonly<Record<string, unknown>>> =>
  JSON.parse(await service.admin(`connections show ${connectionId} --workspace wsp_demo --json`));

/** The token sets that were put on a queue. */
const rescued = ({ answered }: LocalQueues) =>
  answered.flatMap((body) => {
    const { MessageBody } = JSON.parse(body);
    return MessageBody === undefined ? [] : [parseRescueRecord(MessageBody)];
  });

test("a token that came as the store went is on the queue, and arrives once the store is back", async () => {
  const startedMs = Date.now();
  const world = await startWorld();
  try {
    const { service, queues, authorizationServer } = world;
    const answer = await service.refresh(connectionId);
    expect([answer.status, answer.body.code]).toEqual([503, "store_unavailable"]);
    expect(rescued(queues)).toMatchObject([{ connectionId, expectedVersion: 1 }]);
    expect(await queues.rescues()).toBe(1);
    expect(service.output()).toContain("commit.rescued");
    expect(service.output()).not.toContain("commit.last_resort");

    world.bringStoreBack();
    await queues.drained();
    expect(Number((await show(service)).credentials_version)).toBeGreaterThan(startedMs);
    expect(await show(service)).toMatchObject({ status: "active" });
    // Its refresh token is the one that the provider rotated to: it would take no other.
    expect((await service.refresh(connectionId, { force: true })).status).toBe(200);
    expect(authorizationServer.tokenResponses()).toEqual({ succeeded: 2, failed: 0 });
  } finally {
    await world.close();
  }
});
