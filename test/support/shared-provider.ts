import type { Connection, WorkspaceId } from "../../functions/domain/model/connection.ts";
import type { RefreshOutcome } from "../../functions/domain/model/outcome.ts";
import type { ClientRegistration } from "../../functions/domain/ports/client-registration.ts";
import type { RefreshEvent } from "../../functions/domain/ports/events.ts";
import type { TokenResult } from "../../functions/domain/ports/token-endpoint.ts";
import type { RefreshDependencies } from "../../functions/domain/refresh/dependencies.ts";
import { type RefreshConnection, refreshConnection } from "../../functions/domain/refresh.ts";
import {
  budget,
  connection,
  granted,
  harness,
  registration,
  sealed,
  tokenSet,
} from "./refresh-harness.ts";

export interface Customer {
  readonly connectionId: string;
  readonly workspaceId: string;
  readonly tenant: string;
}

export interface SharedProviderOptions {
  readonly customers: readonly Customer[];
  /** @default one host for each tenant */
  readonly tokenEndpoint?: string;
  /** @default tokens for everybody */
  readonly respond: (customer: Customer) => TokenResult | undefined;
  /** The processes that calls are spread over. @default 3 */
  readonly processes?: number;
  /** The dependencies of a process that differ from those of others. */
  readonly dependenciesOf: (dependencies: RefreshDependencies) => RefreshDependencies;
}

/** Connections of several customers, which share one client registration at one provider. */
export function sharedProvider({
  customers,
  tokenEndpoint = "https://{tenant}.provider.example/token",
  respond,
  processes = 3,
  dependenciesOf,
}: SharedProviderOptions) {
  let current: ClientRegistration = { ...registration, tokenEndpoint };
  const asked: Customer[] = [];
  const customerOf = ({ refreshToken }: { refreshToken: { reveal(): string } | undefined }) => {
    const [id] = refreshToken?.reveal().split(":") ?? [];
    return customers.find(({ connectionId }) => connectionId === id);
  };
  const h = harness({
    coalesceWindowMs: 0,
    registry: { registration: async () => current },
    tokenEndpoint: {
      ...harness().dependencies.tokenEndpoint,
      refresh: async (request) => {
        const customer = customerOf(request);
        if (customer === undefined) throw new Error("a refresh token of nobody");
        asked.push(customer);
        return respond(customer) ?? granted(`${customer.connectionId}:next`, h.clock.nowMs());
      },
    },
  });
  for (const { connectionId, workspaceId, tenant } of customers) {
    h.store.put(
      connection({
        connectionId: connectionId as Connection["connectionId"],
        workspaceId: workspaceId as WorkspaceId,
        config: { tenant },
        credentials: sealed(tokenSet(`${connectionId}:0`)),
      }),
    );
  }
  const refreshes: readonly RefreshConnection[] = Array.from({ length: processes }, () =>
    refreshConnection(dependenciesOf(h.dependencies)),
  );
  let calls = 0;
  return {
    clock: h.clock,
    events: h.events as readonly RefreshEvent[],
    /** The customers that the provider was asked for, in order. */
    asked,
    replaceSecret: () => {
      current = { ...current, version: `${current.version}+` };
    },
    /** One call, at whichever process is next. @returns `refreshed`, …, or the error's code */
    call: async ({ connectionId, workspaceId }: Customer): Promise<string> => {
      const refresh = refreshes[calls++ % processes];
      const endsAtMs = h.clock.nowMs() + budget.functionTimeoutMs;
      const outcome: RefreshOutcome | undefined = await refresh?.({
        connectionId: connectionId as Connection["connectionId"],
        workspaceId: workspaceId as WorkspaceId,
        invocation: { remainingMs: () => endsAtMs - h.clock.nowMs() },
      });
      return outcome?.kind === "failed" ? outcome.error.code : (outcome?.kind ?? "none");
    },
  };
}
