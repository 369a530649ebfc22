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

/** A service whose store is gone from the moment of the first token response. */
async function startWorld(): Promise<World> {
  const [dynamoDb, queues, authorizationServer] = await Promise.all([
    startDynamoDb(),
    startLocalQueues(),
    startAuthorizationServer(),
  ]);
  let storeIsGone = false;
  let responses = 0;
  const [store, provider] = await Promise.all([
    startRecordingProxy(dynamoDb.endpoint, () => storeIsGone),
    startRecordingProxy(authorizationServer.tokenEndpoint, ({ moment }) => {
      if (moment === "response" && ++responses === 1) storeIsGone = true;
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

/** The token sets that were sent to a queue. */
const rescued = ({ answered }: LocalQueues) =>
  answered.flatMap((body) => {
    const { MessageBody } = JSON.parse(body);
    return MessageBody === undefined ? [] : [parseRescueRecord(MessageBody)];
  });

test("a token set is queued while the store is gone, and committed once it is back", async () => {
  const world = await startWorld();
  try {
    const { service, queues, authorizationServer } = world;
    const { credentials_version: expectedVersion } = await service.show(connectionId);
    const { status, body } = await service.refresh(connectionId);
    expect([status, body.code]).toEqual([503, "store_unavailable"]);
    expect(rescued(queues)).toMatchObject([{ connectionId, expectedVersion }]);
    expect(await queues.rescues()).toBe(1);
    expect(service.output()).toContain("commit.rescued");
    expect(service.output()).not.toContain("commit.last_resort");

    world.bringStoreBack();
    await queues.drained();
    const shown = await service.show(connectionId);
    expect(shown.status).toBe("active");
    expect(shown.credentials_version).toBeGreaterThan(Number(expectedVersion));
    // The provider accepts no other refresh token than the one that it issued last.
    expect((await service.refreshAgain(connectionId)).status).toBe(200);
    expect(authorizationServer.tokenResponses()).toEqual({ succeeded: 2, failed: 0 });
  } finally {
    await world.close();
  }
});
