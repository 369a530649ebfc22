import {
  type AuthorizationServer,
  startAuthorizationServer,
} from "../../bin/local/authorization-server.ts";
import { startDynamoDb } from "../../bin/local/dynamodb.ts";
import { startKms } from "../../bin/local/kms.ts";
import { startSecretsManager } from "../../bin/local/secrets-manager.ts";
import { type LocalService, startLocalService } from "../support/local-service.ts";
import { type Passing, startRecordingProxy } from "../support/recording-proxy.ts";

/**
 * A process is killed at each step of a refresh, and another one is asked for the same refresh. Stores and
 * provider live on. The first process reaches them through proxies, which kill it at the step and pass
 * nothing on.
 */
interface Step {
  readonly name: string;
  readonly at: (passing: Passing) => boolean;
  /** How the refresh by the other process ends. */
  readonly ends: "refreshed" | "already refreshed" | "lost";
}

const operation =
  (moment: Passing["moment"], name: string, part = "") =>
  (passing: Passing): boolean =>
    passing.moment === moment && passing.operation === name && passing.body.includes(part);
const tokenRequest = (moment: Passing["moment"]) => (passing: Passing) =>
  passing.moment === moment && passing.path === "/token";

const steps: readonly Step[] = [
  {
    name: "before the lease is acquired",
    at: operation("request", "UpdateItem", "SET lease_id"),
    ends: "refreshed",
  },
  {
    name: "after the lease is acquired",
    at: operation("response", "UpdateItem", "SET lease_id"),
    ends: "refreshed",
  },
  {
    name: "before the client secret is read",
    at: operation("request", "GetSecretValue"),
    ends: "refreshed",
  },
  {
    name: "after the client secret is read",
    at: operation("response", "GetSecretValue"),
    ends: "refreshed",
  },
  {
    name: "before the data key is decrypted",
    at: operation("request", "Decrypt"),
    ends: "refreshed",
  },
  {
    name: "after the data key is decrypted",
    at: operation("response", "Decrypt"),
    ends: "refreshed",
  },
  {
    name: "before the provider receives the token request",
    at: tokenRequest("request"),
    ends: "refreshed",
  },
  // The one window: the provider has rotated, and no process here knows the new refresh token.
  {
    name: "before the token response arrives",
    at: tokenRequest("response"),
    ends: "lost",
  },
  {
    name: "before the commit is stored",
    at: operation("request", "UpdateItem", "SET credentials"),
    ends: "lost",
  },
  {
    name: "after the commit is stored",
    at: operation("response", "UpdateItem", "SET credentials"),
    ends: "already refreshed",
  },
];

/** A process of the service that can be killed. */
interface Victim {
  readonly service: LocalService;
  /** The authorization server's, through a proxy. */
  readonly tokenEndpoint: string;
  /** Kills the process at the step. Resolves when it has ended. */
  killAt(step: Step): Promise<unknown>;
}

interface World {
  readonly authorizationServer: AuthorizationServer;
  /** The process that lives on. */
  readonly survivor: LocalService;
  startVictim(): Promise<Victim>;
  close(): Promise<void>;
}

async function startWorld(): Promise<World> {
  const [dynamoDb, kms, secrets, authorizationServer] = await Promise.all([
    startDynamoDb(),
    startKms(),
    startSecretsManager(),
    startAuthorizationServer(),
  ]);
  const opened: { close(): Promise<unknown> }[] = [dynamoDb, kms, secrets, authorizationServer];
  const start = async (dynamoDbUrl: string, kmsUrl: string, secretsUrl: string) => {
    const service = await startLocalService({
      PROVIDER_TIMEOUT_SECONDS: "1",
      // What was committed before a kill was committed a moment ago, however busy the machine is.
      COALESCE_WINDOW_SECONDS: "300",
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      AWS_ENDPOINT_URL_DYNAMODB: dynamoDbUrl,
      AWS_ENDPOINT_URL_KMS: kmsUrl,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsUrl,
      KMS_KEY_ID: kms.keyId,
    });
    opened.unshift({ close: () => service.stop("SIGKILL") });
    return service;
  };
  const survivor = await start(dynamoDb.endpoint, kms.endpoint, secrets.endpoint);

  async function startVictim(): Promise<Victim> {
    let interrupts: (passing: Passing) => boolean = () => false;
    const through = async (target: string): Promise<string> => {
      const proxy = await startRecordingProxy(target, (passing) => interrupts(passing));
      opened.push(proxy);
      return proxy.url;
    };
    const service = await start(
      await through(dynamoDb.endpoint),
      await through(kms.endpoint),
      await through(secrets.endpoint),
    );
    return {
      service,
      tokenEndpoint: await through(authorizationServer.tokenEndpoint),
      killAt: (step) =>
        new Promise((resolve) => {
          interrupts = (passing) => {
            if (!step.at(passing)) return false;
            interrupts = () => false;
            resolve(service.stop("SIGKILL"));
            return true;
          };
        }),
    };
  }
  return {
    authorizationServer,
    survivor,
    startVictim: oneAfterTheOther(startVictim),
    close: async () => {
      await Promise.all(opened.map((one) => one.close()));
    },
  };
}

/** A process puts its demo connection when it starts, which two processes cannot do at once. */
function oneAfterTheOther<Value>(start: () => Promise<Value>): () => Promise<Value> {
  let previous: Promise<unknown> = Promise.resolve();
  return () => {
    const started = previous.then(start);
    previous = started.catch(() => undefined);
    return started;
  };
}

/** Kills a process at the step, and has the survivor refresh the same connection. */
async function killAndCarryOn({ authorizationServer, survivor, startVictim }: World, step: Step) {
  const victim = await startVictim();
  const integration = `killed-${steps.indexOf(step)}`;
  const connectionId = `conn_${integration}`;
  await survivor.admin(
    `integrations put ${integration} --token-endpoint ${victim.tokenEndpoint} --client-id ${authorizationServer.clientId}`,
    authorizationServer.clientSecret(),
  );
  await survivor.admin(
    `connections put ${connectionId} --workspace wsp_demo --integration ${integration}`,
    await authorizationServer.mintRefreshToken(),
  );
  const killed = victim.killAt(step);
  await expect(victim.service.refresh(connectionId)).rejects.toThrow();
  await killed;

  const show = async (): Promise<Record<string, unknown>> =>
    JSON.parse(
      await survivor.admin(`connections show ${connectionId} --workspace wsp_demo --json`),
    );
  const version = (await show()).credentials_version;
  const response = await survivor.refresh(connectionId);
  const shown = await show();
  const again = await survivor.refresh(connectionId, { force: true });
  return {
    version,
    status: response.status,
    outcome: response.headers.get("X-Refresh-Outcome") ?? response.body.code,
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
  // This provider revokes the family on reuse. One with a grace period would issue tokens.
  lost: {
    version: 1,
    status: 409,
    outcome: "reauthorization_required",
    connectionStatus: "expired",
    again: 409,
  },
} as const;

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

describe("a process that is killed", () => {
  // At the same time: each spends most of its time waiting until the lease of the killed process ends.
  test.concurrent.each(steps)("$name: $ends", async (step) => {
    expect(await killAndCarryOn(world, step)).toEqual(expected[step.ends]);
  });
});
