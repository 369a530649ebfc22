import { setTimeout as sleep } from "node:timers/promises";
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from "../../bin/local/authorization-server.ts";
import { startDynamoDb } from "../../bin/local/dynamodb.ts";
import { startKms } from "../../bin/local/kms.ts";
import { startSecretsManager } from "../../bin/local/secrets-manager.ts";
import {
  type ApiResponse,
  type LocalService,
  startLocalService,
} from "../support/local-service.ts";
import { type Passing, setsAttribute, startRecordingProxy } from "../support/recording-proxy.ts";

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

const operation = (moment: Passing["moment"], name: string) => (passing: Passing) =>
  passing.moment === moment && passing.operation === name;
const writeOf = (moment: Passing["moment"], attribute: string) => (passing: Passing) =>
  passing.moment === moment && setsAttribute(passing, attribute);
const tokenRequest = (moment: Passing["moment"]) => (passing: Passing) =>
  passing.moment === moment && passing.path === "/token";

const steps: readonly Step[] = [
  {
    name: "before the lease is acquired",
    at: writeOf("request", "lease_id"),
    ends: "refreshed",
  },
  {
    name: "after the lease is acquired",
    at: writeOf("response", "lease_id"),
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
    at: writeOf("request", "credentials"),
    ends: "lost",
  },
  {
    name: "after the commit is stored",
    at: writeOf("response", "credentials"),
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
  const { credentials_version: versionBefore } = await survivor.show(connectionId);
  const killed = victim.killAt(step);
  await expect(victim.service.refresh(connectionId)).rejects.toThrow();
  await killed;

  const { credentials_version: version } = await survivor.show(connectionId);
  const response = await untilResolved(survivor, connectionId);
  const { status: connectionStatus } = await survivor.show(connectionId);
  return {
    isCommitted: version !== versionBefore,
    status: response.status,
    outcome: response.headers.get("X-Refresh-Outcome") ?? response.body.code,
    connectionStatus,
    statusOfNext: (await survivor.refreshAgain(connectionId)).status,
  };
}

/** The refresh is in progress until the lease of the killed process may be taken over. */
async function untilResolved(service: LocalService, connectionId: string): Promise<ApiResponse> {
  for (;;) {
    const response = await service.refresh(connectionId);
    if (response.body.code !== "refresh_in_progress") return response;
    await sleep(Number(response.headers.get("Retry-After")) * 1_000);
  }
}

const expected = {
  refreshed: {
    isCommitted: false,
    status: 200,
    outcome: "refreshed",
    connectionStatus: "active",
    statusOfNext: 200,
  },
  "already refreshed": {
    isCommitted: true,
    status: 200,
    outcome: "coalesced",
    connectionStatus: "active",
    statusOfNext: 200,
  },
  // This provider revokes the family on reuse. One with a grace period would issue tokens. The refusal is
  // believed later, for a rescue may still bring the token set.
  lost: {
    isCommitted: false,
    status: 502,
    outcome: "provider_error",
    connectionStatus: "active",
    statusOfNext: 502,
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
