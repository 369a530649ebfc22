import { systemClock as clock } from "../adapters/clock/system-clock.ts";
import { refreshConnection } from "../domain/refresh.ts";
import type { ApiDependencies } from "../handlers/api.ts";
import { apiConfig } from "./config.ts";
import type { Environment } from "./environment.ts";
import { observers } from "./observers.ts";
import { refreshDependencies } from "./refresh.ts";

/** The dependencies of the API function. @throws {InvalidEnvironment} */
export function apiRuntime(environment: Environment): ApiDependencies {
  const config = apiConfig(environment);
  const { log, telemetry } = observers("api", config.logLevel);
  return {
    refreshConnection: refreshConnection(refreshDependencies(config, telemetry)),
    log,
    clock,
  };
}
