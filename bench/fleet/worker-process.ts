import { circuitBreaker } from "../../functions/domain/integration/circuit-breaker.ts";
import { budgetFor } from "../../functions/domain/model/budget.ts";
import type { SealedTokenSet } from "../../functions/domain/model/connection.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import type { IntegrationLimits } from "../../functions/domain/ports/integration.ts";
import type { Telemetry } from "../../functions/domain/ports/telemetry.ts";
import type { OpenedTokenSet } from "../../functions/domain/ports/token-cipher.ts";
import type { TokenEndpoint } from "../../functions/domain/ports/token-endpoint.ts";
import type { RefreshDependencies } from "../../functions/domain/refresh/dependencies.ts";
import { refreshConnection } from "../../functions/domain/refresh.ts";
import type { ScheduleSettings } from "../../functions/domain/schedule/due.ts";
import { type RefreshDue, refreshDue } from "../../functions/domain/scheduled-refresh.ts";
import type { SharedTrouble } from "../../test/support/shared-trouble.ts";
import type { Fleet } from "./fleet.ts";
import { ProcessCache } from "./process-cache.ts";
import { type ProviderResponse, type Providers, tokenResult } from "./providers.ts";
import type { Random } from "./random.ts";
import type { VirtualClock } from "./virtual-clock.ts";

export interface WorkerOptions {
  readonly fleet: Fleet;
  readonly providers: Providers;
  readonly trouble: SharedTrouble;
  readonly limits: IntegrationLimits;
  readonly clock: VirtualClock;
  readonly telemetry: Telemetry;
  readonly random: Random;
  readonly schedule: ScheduleSettings;
}

/** The lifetime of the adapters' caches: client registrations (`CLIENT_CACHE_SECONDS`) and holds. */
const registrationMaximumAgeMs = 300_000;
export const holdMaximumAgeMs = 2_000;
/** The duration of a message besides the provider's: a read, a data key and two writes. */
const storeMs = 30;

const token = new Secret("token");
const opened: OpenedTokenSet = {
  tokens: {
    ...{ accessToken: token, refreshToken: token, tokenType: "Bearer" },
    ...{ scope: undefined, expiresAtMs: undefined, extra: {} },
  },
  binding: undefined,
  seal: async () => "sealed" as SealedTokenSet,
};

/**
 * A worker process, with the state that a Lambda environment has. The real worker handles a message, from
 * the first read to the last write. A connection in its steady state that is due, not held and not limited
 * has only one outcome if the provider issues tokens; this common case updates the fleet directly.
 */
export class WorkerProcess {
  readonly #options: WorkerOptions;
  readonly #refreshDue: RefreshDue;
  readonly #budget = budgetFor();
  readonly registrations: ProcessCache;
  readonly knownHolds: ProcessCache;
  /** The provider's first response for the present message, if the request was already made. */
  #firstResponse: ProviderResponse | undefined;

  constructor(number: number, options: WorkerOptions) {
    this.#options = options;
    const { fleet, limits, clock, telemetry, random, schedule } = options;
    const integrations = fleet.integrations.length;
    this.registrations = new ProcessCache(integrations, registrationMaximumAgeMs);
    this.knownHolds = new ProcessCache(integrations, holdMaximumAgeMs);
    const { holds, evidence } = options.trouble.view();
    const tokenEndpoint = this.#createTokenEndpoint();
    let leases = 0;
    const dependencies: RefreshDependencies = {
      ...{ holds, limits, clock, telemetry, random, schedule },
      store: fleet.store,
      registry: { registration: async (name) => fleet.integrationNamed(name).registration },
      rebinds: { successorOf: async () => undefined },
      requiresBinding: false,
      tokenEndpoint,
      cipher: {
        open: async () => opened,
        verify: async () => {},
        seal: async () => "sealed" as SealedTokenSet,
      },
      rescueQueue: { keep: async () => {} },
      circuitBreaker: circuitBreaker({ holds, evidence, tokenEndpoint, clock, telemetry }),
      newLeaseId: () => `${number}-${++leases}`,
      budget: this.#budget,
      coalesceWindowMs: 10_000,
    };
    this.#refreshDue = refreshDue({
      ...dependencies,
      refreshConnection: refreshConnection(dependencies),
    });
  }

  /** @returns when the message is finished */
  work(connection: number, atMs: number): number | Promise<number> {
    const { fleet, trouble, providers } = this.#options;
    const integrationNumber = fleet.integrationNumber(connection);
    this.registrations.use(integrationNumber, atMs);
    this.knownHolds.use(integrationNumber, atMs);
    const integration = fleet.integrationOf(connection);
    const { registration } = integration;
    const isPlain =
      registration.maxPerMinute === undefined &&
      fleet.entries.isSteady(connection) &&
      trouble.isClear(registration.name, atMs) &&
      fleet.calendar.isDue(connection, atMs);
    if (!isPlain) return this.#workThrough(connection, atMs);
    const response = providers.request(integration, atMs + storeMs);
    if (response.trouble !== undefined) return this.#workThrough(connection, atMs, { ...response });
    const doneAtMs = atMs + storeMs + response.latencyMs;
    fleet.refresh(connection, doneAtMs);
    return doneAtMs;
  }

  async #workThrough(
    connection: number,
    atMs: number,
    firstResponse?: ProviderResponse,
  ): Promise<number> {
    const { clock, fleet } = this.#options;
    this.#firstResponse = firstResponse;
    clock.set(atMs + storeMs);
    const endsAtMs = atMs + this.#budget.functionTimeoutMs;
    const invocation = { remainingMs: () => endsAtMs - clock.nowMs() };
    await this.#refreshDue(fleet.dueOf(connection), invocation);
    return clock.nowMs();
  }

  #createTokenEndpoint(): TokenEndpoint {
    const { clock, fleet, providers } = this.#options;
    return {
      originOf: () => ({ origin: "https://provider.example", variesByConnection: false }),
      refresh: async ({ registration }) => {
        const integration = fleet.integrationNamed(registration.name);
        const { trouble, latencyMs } =
          this.#firstResponse ?? providers.request(integration, clock.nowMs());
        this.#firstResponse = undefined;
        clock.set(clock.nowMs() + latencyMs);
        return tokenResult(trouble, clock.nowMs());
      },
    };
  }
}
