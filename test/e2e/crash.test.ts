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
  /** The token endpoint of the authorization server, through a proxy. */
  readonly tokenEndpoint: string;
  /** Kills the process at the step. Resolves when it has ended. */
  killAt(step: Step): Promise<unknown>;
  close(): Promise<void>;
}

interface World {
  readonly authorizationServer: AuthorizationServer;
  /** The process that lives on. */
  readonly survivor: LocalService;
  readonly victims: readonly Victim[];
  close(): Promise<void>;
}

interface Endpoints {
  readonly dynamoDb: string;
  readonly kms: string;
  readonly kmsKeyId: string;
  readonly secrets: string;
  readonly token: string;
}

const startService = ({ dynamoDb, kms, kmsKeyId, secrets }: Endpoints): Promise<LocalService> =>
  startLocalService({
    PROVIDER_TIMEOUT_SECONDS: "1",
    // A commit before a kill counts as recent, however busy the machine is.
    COALESCE_WINDOW_SECONDS: "300",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_ENDPOINT_URL_DYNAMODB: dynamoDb,
    AWS_ENDPOINT_URL_KMS: kms,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets,
    KMS_KEY_ID: kmsKeyId,
  });

async function startWorld(): Promise<World> {
  const [dynamoDb, kms, secrets, authorizationServer] = await Promise.all([
    startDynamoDb(),
    startKms(),
    startSecretsManager(),
    startAuthorizationServer(),
  ]);
  const endpoints: Endpoints = {
    dynamoDb: dynamoDb.endpoint,
    ...{ kms: kms.endpoint, kmsKeyId: kms.keyId, secrets: secrets.endpoint },
    token: authorizationServer.tokenEndpoint,
  };
  const survivor = await startService(endpoints);
  const victims: Victim[] = [];
  // One after the other: a process puts its demo connection when it starts, and two puts are a conflict.
  for (const _ of steps) victims.push(await startVictim(endpoints));
  return {
    ...{ authorizationServer, survivor, victims },
    close: async () => {
      await Promise.all([survivor.stop("SIGKILL"), ...victims.map((victim) => victim.close())]);
      const servers = [dynamoDb, kms, secrets, authorizationServer];
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

async function startVictim(endpoints: Endpoints): Promise<Victim> {
  let interrupts: (passing: Passing) => boolean = () => false;
  const proxy = (target: string) => startRecordingProxy(target, (passing) => interrupts(passing));
  const proxies = await Promise.all(
    [endpoints.dynamoDb, endpoints.kms, endpoints.secrets, endpoints.token].map(proxy),
  );
  const [dynamoDb = "", kms = "", secrets = "", token = ""] = proxies.map(({ url }) => url);
  const service = await startService({ ...endpoints, dynamoDb, kms, secrets, token });
  return {
    ...{ service, tokenEndpoint: token },
    killAt: (step) =>
      new Promise((resolve) => {
        interrupts = (passing) => {
          if (!step.at(passing)) return false;
          interrupts = () => false;
          resolve(service.stop("SIGKILL"));
          return true;
        };
      }),
    close: async () => {
      await service.stop("SIGKILL");
      await Promise.all(proxies.map((one) => one.close()));
    },
  };
}

/** Kills a process at the step, and has the survivor refresh the same connection. */
async function killAndCarryOn({ authorizationServer, survivor, victims }: World, step: Step) {
  const index = steps.indexOf(step);
  const victim = victims[index];
  if (victim === undefined) throw new Error(`there is no process for the step ${step.name}`);
  const integration = `killed-${index}`;
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
