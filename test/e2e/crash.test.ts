import {
  type AuthorizationServer,
  startAuthorizationServer,
} from "../../bin/local/authorization-server.ts";
import { startDynamoDb } from "../../bin/local/dynamodb.ts";
import { startKms } from "../../bin/local/kms.ts";
import { startSecretsManager } from "../../bin/local/secrets-manager.ts";
import { type LocalService, startLocalService } from "../support/local-service.ts";
import {
  type Passing,
  type RecordingProxy,
  startRecordingProxy,
} from "../support/recording-proxy.ts";

/**
 * The process is killed at each step of a refresh, and started again. Stores and provider live on; each
 * stands behind a proxy that ends the process at the moment named, and passes nothing on.
 */
interface Step {
  readonly name: string;
  readonly at: (passing: Passing) => boolean;
  /** How the first refresh after the restart ends. */
  readonly ends: "refreshed" | "already refreshed" | "lost";
}

const operation =
  (moment: Passing["moment"], name: string, part = "") =>
  (passing: Passing): boolean =>
    passing.moment === moment && passing.operation === name && passing.body.includes(part);
const grant = (moment: Passing["moment"]) => (passing: Passing) =>
  passing.moment === moment && passing.path === "/token";

const steps: readonly Step[] = [
  {
    name: "before the lease",
    at: operation("request", "UpdateItem", "SET lease_id"),
    ends: "refreshed",
  },
  {
    name: "with the lease",
    at: operation("response", "UpdateItem", "SET lease_id"),
    ends: "refreshed",
  },
  {
    name: "asking for the client secret",
    at: operation("request", "GetSecretValue"),
    ends: "refreshed",
  },
  {
    name: "with the client secret",
    at: operation("response", "GetSecretValue"),
    ends: "refreshed",
  },
  { name: "asking for the data key", at: operation("request", "Decrypt"), ends: "refreshed" },
  { name: "with the data key", at: operation("response", "Decrypt"), ends: "refreshed" },
  { name: "before the provider hears of it", at: grant("request"), ends: "refreshed" },
  // The one window: the provider has rotated, and nobody here knows the new token.
  { name: "before the provider's last byte", at: grant("response"), ends: "lost" },
  {
    name: "before the commit",
    at: operation("request", "UpdateItem", "SET credentials"),
    ends: "lost",
  },
  {
    name: "after the commit, before its answer",
    at: operation("response", "UpdateItem", "SET credentials"),
    ends: "already refreshed",
  },
];

interface World {
  readonly authorizationServer: AuthorizationServer;
  readonly tokenEndpoint: string;
  /** Ends `service` at the step; resolves when it has ended. */
  killAt(step: Step, service: LocalService): Promise<unknown>;
  /** A process of the service. */
  start(): Promise<LocalService>;
  close(): Promise<void>;
}

async function startWorld(): Promise<World> {
  let interrupts: (passing: Passing) => boolean = () => false;
  const [dynamoDb, kms, secrets, authorizationServer] = await Promise.all([
    startDynamoDb(),
    startKms(),
    startSecretsManager(),
    startAuthorizationServer(),
  ]);
  const targets = [
    dynamoDb.endpoint,
    kms.endpoint,
    secrets.endpoint,
    authorizationServer.tokenEndpoint,
  ];
  const proxies = await Promise.all(
    targets.map((target) => startRecordingProxy(target, (passing) => interrupts(passing))),
  );
  const [dynamoDbUrl, kmsUrl, secretsUrl, tokenEndpoint] = proxies.map(
    ({ url }: RecordingProxy) => url,
  ) as [string, string, string, string];
  const services: LocalService[] = [];
  return {
    authorizationServer,
    tokenEndpoint,
    async start() {
      const service = await startLocalService({
        PROVIDER_TIMEOUT_SECONDS: "1",
        // However long the restart takes, what was committed before it was committed a moment ago.
        COALESCE_WINDOW_SECONDS: "300",
        AWS_ACCESS_KEY_ID: "local",
        AWS_SECRET_ACCESS_KEY: "local",
        AWS_ENDPOINT_URL_DYNAMODB: dynamoDbUrl,
        AWS_ENDPOINT_URL_KMS: kmsUrl,
        AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsUrl,
        KMS_KEY_ID: kms.keyId,
      });
      services.push(service);
      return service;
    },
    killAt: (step, service) =>
      new Promise((resolve) => {
        interrupts = (passing) => {
          if (!step.at(passing)) return false;
          interrupts = () => false;
          resolve(service.stop("SIGKILL"));
          return true;
        };
      }),
    close: async () => {
      await Promise.all(services.map((service) => service.stop("SIGKILL")));
      const all = [...proxies, dynamoDb, kms, secrets, authorizationServer];
      await Promise.all(all.map((one) => one.close()));
    },
  };
}

const connectionId = "conn_killed";
const show = async (service: LocalService): Promise<Record<string, unknown>> =>
  JSON.parse(await service.admin(`connections show ${connectionId} --workspace wsp_demo --json`));

/** Kills a process at the step, starts another, and tells how its first refresh ends. */
async function killAndRestart(world: World, step: Step) {
  const { authorizationServer, tokenEndpoint } = world;
  const first = await world.start();
  await first.admin(
    `integrations put killed --token-endpoint ${tokenEndpoint} --client-id ${authorizationServer.clientId}`,
    authorizationServer.clientSecret(),
  );
  await first.admin(
    `connections put ${connectionId} --workspace wsp_demo --integration killed`,
    await authorizationServer.mintRefreshToken(),
  );
  const killed = world.killAt(step, first);
  await expect(first.refresh(connectionId)).rejects.toThrow();
  await killed;

  const second = await world.start();
  const version = (await show(second)).credentials_version;
  const answer = await second.refresh(connectionId);
  const shown = await show(second);
  const again = await second.refresh(connectionId, { force: true });
  return {
    version,
    status: answer.status,
    outcome: answer.headers.get("X-Refresh-Outcome") ?? answer.body.code,
    connectionStatus: shown.status,
    again: again.status,
  };
}

const expected = {
  refreshed: {
    version: 1,
    status: 200,
    outcome: "refreshed",
    connectionStatus: "active",
    again: 200,
  },
  "already refreshed": {
    version: 2,
    status: 200,
    outcome: "coalesced",
    connectionStatus: "active",
    again: 200,
  },
  // Reuse revokes the family at this provider; one with a grace period would have answered.
  lost: {
    version: 1,
    status: 409,
    outcome: "reauthorization_required",
    connectionStatus: "expired",
    again: 409,
  },
} as const;

describe("a process that is killed", () => {
  // Side by side, for most of the time passes waiting for the dead process's lease to end.
  test.concurrent.each(steps)("$name: $ends", async (step) => {
    const world = await startWorld();
    try {
      expect(await killAndRestart(world, step)).toEqual(expected[step.ends]);
    } finally {
      await world.close();
    }
  });
});
