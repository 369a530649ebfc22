import { dirname } from "node:path";
import { budgetFor } from "../../functions/domain/model/budget.ts";
import { apiConfig } from "../../functions/runtime/config.ts";
import type { PublishedEvent } from "../../functions/runtime/observers.ts";
import { startAuthorizationServer } from "./authorization-server.ts";
import { makePrivate, makeWritable } from "./directories.ts";
import { writeEnvFile } from "./env-file.ts";
import { type Api, type Exchange, type Gateway, startGateway } from "./gateway.ts";
import { startQueueWorkers } from "./queue-workers.ts";
import { startSchedule } from "./schedule.ts";
import { demo, seed } from "./seed.ts";
import { CannotStart, type LocalSettings } from "./settings.ts";
import type { Shutdown } from "./shutdown.ts";
import { otherCredentials, startStandIns } from "./stand-ins.ts";

export interface LocalService {
  readonly apiUrl: string;
  readonly apiKey: string;
  /** The file that was written: the one of the settings, unless another service that runs has it. */
  readonly envFile: string;
  readonly sweepIntervalSeconds: number;
}

/** Runs the whole service in this process. It is ready when the promise resolves. */
export async function startLocalService(
  settings: LocalSettings,
  shutdown: Shutdown,
  onResponse: (exchange: Exchange) => void,
  onEvent: (published: PublishedEvent) => void,
): Promise<LocalService> {
  const { dataDirectory, envFile } = settings;
  const gateway = await startOn(settings.port, shutdown, onResponse);
  makeWritable(dirname(envFile), "the directory of the env file,", shutdown);
  if (dataDirectory !== undefined) {
    makeWritable(dataDirectory, "DATA_DIR", shutdown);
    makePrivate(dataDirectory);
  }

  const variables = await startStandIns(settings, shutdown);
  const authorizationServer = await startAuthorizationServer(
    dataDirectory === undefined ? {} : { directory: dataDirectory },
  );
  shutdown.add(() => authorizationServer.close());
  // The functions read the environment when they are loaded, and the SDK when it creates a client.
  setEnvironment(settings, variables);
  const { apiKey } = await seed(settings, authorizationServer, shutdown);
  const { sweepIntervalMs } = apiConfig(process.env);
  await startWorkers(variables, settings.schedule ? sweepIntervalMs : undefined, shutdown, onEvent);
  gateway.serve(await loadApi(settings.region));
  // The gateway closes first, so that requests in progress still have the stand-ins.
  shutdown.add(() => gateway.close());

  const apiUrl = gateway.url;
  const file = writeEnvFile(
    envFile,
    apiUrl,
    { API_KEY: apiKey, ...demo.variables, ...variables },
    settings.keepsCredentials ? [] : otherCredentials,
  );
  shutdown.add(() => file.remove());
  process.once("exit", () => file.remove());
  return { apiUrl, apiKey, envFile: file.path, sweepIntervalSeconds: sweepIntervalMs / 1000 };
}

async function startOn(
  port: number,
  shutdown: Shutdown,
  onResponse: (exchange: Exchange) => void,
): Promise<Gateway> {
  try {
    const gateway = await startGateway({ port, onResponse });
    shutdown.add(() => gateway.close());
    return gateway;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "EADDRINUSE" ? "is in use" : `cannot be used (${code})`;
    throw new CannotStart(
      `port ${port} ${reason}. Set PORT to another port, or to 0 for any`,
      error,
    );
  }
}

function setEnvironment(
  { keepsCredentials }: LocalSettings,
  variables: Readonly<Record<string, string>>,
): void {
  if (!keepsCredentials) for (const name of otherCredentials) delete process.env[name];
  Object.assign(process.env, variables);
  // The gateway logs each request in a line for people. The functions' JSON lines are opt-in.
  process.env.LOG_LEVEL ??= "ERROR";
  process.env.POWERTOOLS_METRICS_DISABLED ??= "true";
}

/** Starts the schedule, and the functions that consume the queues. */
async function startWorkers(
  variables: Readonly<Record<string, string>>,
  sweepIntervalMs: number | undefined,
  shutdown: Shutdown,
  onEvent: (published: PublishedEvent) => void,
): Promise<void> {
  const [{ eventChannel }, sweep] = await Promise.all([
    import("../../functions/runtime/observers.ts"),
    import("../../functions/lambda/sweep.ts"),
  ]);
  eventChannel.subscribe((published) => onEvent(published as PublishedEvent));
  await startQueueWorkers(variables, shutdown);
  if (sweepIntervalMs === undefined) return;
  startSchedule(
    { name: "sweep", timeoutMs: sweepTimeoutMs, handler: sweep.handler },
    sweepIntervalMs,
    shutdown,
    (message) => console.error(message),
  );
}

const sweepTimeoutMs = 55_000;

/** Loads the modules that are deployed. */
async function loadApi(region: string): Promise<Api> {
  const [api, authorizer] = await Promise.all([
    import("../../functions/lambda/api.ts"),
    import("../../functions/lambda/authorizer.ts"),
  ]);
  const { providerTimeoutSeconds } = apiConfig(process.env);
  const { functionTimeoutMs } = budgetFor(providerTimeoutSeconds);
  return {
    method: "POST",
    resource: "/api/v1/oauth/refresh/{connection_id}",
    deployment: { region, accountId: "000000000000", apiId: "local", stage: "local" },
    authorizer: { name: "authorizer", timeoutMs: authorizerTimeoutMs, handler: authorizer.handler },
    integration: { name: "api", timeoutMs: functionTimeoutMs, handler: api.handler },
  };
}

const authorizerTimeoutMs = 10_000;
