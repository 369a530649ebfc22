import { circuitBreaker } from "../../functions/domain/integration/circuit-breaker.ts";
import {
  type LimitState,
  nextPermit,
  noRequests,
} from "../../functions/domain/integration/rate-limits.ts";
import { budgetFor } from "../../functions/domain/model/budget.ts";
import type {
  Connection,
  ConnectionId,
  RegistrationName,
  SealedTokenSet,
  TokenSet,
  WorkspaceId,
} from "../../functions/domain/model/connection.ts";
import { MisconfiguredRegistration } from "../../functions/domain/model/errors.ts";
import type { IntegrationHold } from "../../functions/domain/model/integration-hold.ts";
import type { FreshToken, RefreshOutcome } from "../../functions/domain/model/outcome.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import type { TokenBinding } from "../../functions/domain/model/token-binding.ts";
import type { Clock } from "../../functions/domain/ports/clock.ts";
import type { TokenSetCommit } from "../../functions/domain/ports/connection-store.ts";
import type { RefreshEvent } from "../../functions/domain/ports/events.ts";
import type { IntegrationLimits } from "../../functions/domain/ports/integration.ts";
import type { Telemetry } from "../../functions/domain/ports/telemetry.ts";
import type { TokenCipher } from "../../functions/domain/ports/token-cipher.ts";
import type {
  TokenEndpoint,
  TokenRequest,
  TokenResult,
} from "../../functions/domain/ports/token-endpoint.ts";
import type {
  RefreshDependencies,
  RefreshRequest,
} from "../../functions/domain/refresh/dependencies.ts";
import { refreshConnection } from "../../functions/domain/refresh.ts";
import type { ScheduleSettings } from "../../functions/domain/schedule/due.ts";
import {
  type InMemoryConnectionStore,
  inMemoryConnectionStore,
} from "./in-memory-connection-store.ts";
import { SharedTrouble } from "./shared-trouble.ts";
import { clientRegistration } from "./token-requests.ts";

export const connectionId = "conn_1" as ConnectionId;
export const workspaceId = "wsp_1" as WorkspaceId;
export const startMs = Date.UTC(2026, 0, 1, 12);

export const budget = budgetFor();
export const coalesceWindowMs = 10_000;

/** A clock that a sleep advances at once, by its duration. */
export interface SteppingClock extends Clock {
  advance(durationMs: number): void;
}

function steppingClock(): SteppingClock {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    advance: (durationMs) => {
      nowMs += durationMs;
    },
    sleep: async (durationMs, signal) => {
      const wakesAtMs = nowMs + durationMs;
      // A sleep that is aborted must not move time. Its caller gets the chance to abort it.
      for (let turn = 0; signal !== undefined && turn < 50; turn++) await Promise.resolve();
      if (signal?.aborted !== true) nowMs = Math.max(nowMs, wakesAtMs);
    },
  };
}

export function tokenSet(
  refreshToken: string | undefined = "rt-0",
  changes: Partial<TokenSet> = {},
): TokenSet {
  return {
    accessToken: new Secret(`at-of-${refreshToken}`),
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
    tokenType: "Bearer",
    scope: "read",
    expiresAtMs: startMs + 3_600_000,
    extra: {},
    ...changes,
  };
}

let seals = 0;
/** Readable text. A serial number stands in for the random IV that makes each ciphertext unique. */
export const sealed = (tokens: TokenSet, binding?: TokenBinding): SealedTokenSet =>
  JSON.stringify({
    serial: ++seals,
    binding,
    ...tokens,
    accessToken: tokens.accessToken.reveal(),
    refreshToken: tokens.refreshToken?.reveal(),
    dpopKey: tokens.dpopKey?.reveal(),
  }) as SealedTokenSet;

export function opened(credentials: SealedTokenSet): TokenSet {
  const {
    serial: _,
    binding: __,
    accessToken,
    refreshToken,
    dpopKey,
    ...rest
  } = JSON.parse(credentials);
  return {
    tokenType: undefined,
    scope: undefined,
    expiresAtMs: undefined,
    ...rest,
    accessToken: new Secret(accessToken),
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
    dpopKey: dpopKey === undefined ? undefined : new Secret(dpopKey),
  };
}

export const bindingOf = (credentials: SealedTokenSet): TokenBinding | undefined =>
  JSON.parse(credentials).binding;

export const plainCipher: TokenCipher = {
  open: async (credentials) => ({
    tokens: opened(credentials),
    binding: bindingOf(credentials),
    seal: async (tokens, { binding }) => sealed(tokens, binding),
  }),
  verify: async () => undefined,
  seal: async (tokens, _place, binding) => sealed(tokens, binding),
};

export function connection(changes: Partial<Connection> = {}): Connection {
  return {
    connectionId,
    workspaceId,
    integration: "acme",
    registrationName: "integrations/acme" as RegistrationName,
    status: "active",
    config: {},
    credentials: sealed(tokenSet()),
    credentialsVersion: 1,
    expiresAtMs: startMs + 3_600_000,
    assumedExpiresAtMs: undefined,
    refreshTokenExpiresAtMs: undefined,
    refreshTokenAbsoluteExpiresAtMs: undefined,
    lease: undefined,
    takeOver: undefined,
    lastRefreshedAtMs: undefined,
    lastForcedAtMs: undefined,
    refreshAtMs: undefined,
    failure: undefined,
    ...changes,
  };
}

export const registration = clientRegistration();

/** A hold on all connections of {@link registration}, which its provider's failures have caused. */
export const hold = (changes: Partial<IntegrationHold> = {}): IntegrationHold => ({
  scope: { origin: undefined, workspaceId: undefined },
  reason: "provider_failing",
  beganAtMs: startMs,
  untilMs: startMs + 30_000,
  count: 1,
  registrationVersion: "v1",
  failing: [],
  triedAtMs: startMs,
  ...changes,
});

export const granted = (
  refreshToken: string | undefined,
  receivedAtMs: number,
  changes: Partial<Extract<TokenResult, { kind: "granted" }>["tokens"]> = {},
): TokenResult => ({
  kind: "granted",
  notes: [],
  tokens: {
    accessToken: new Secret(`at-of-${refreshToken}`),
    refreshToken: refreshToken === undefined ? undefined : new Secret(refreshToken),
    tokenType: "Bearer",
    scope: undefined,
    expiresAtMs: receivedAtMs + 3_600_000,
    refreshTokenExpiresAtMs: undefined,
    refreshTokenAbsoluteExpiresAtMs: undefined,
    extra: {},
    receivedAtMs,
    ...changes,
  },
});

/** The origin of a template whose variables stand alone in its host or path: no rule is applied. */
export const plainOriginOf: TokenEndpoint["originOf"] = ({ tokenEndpoint = "" }, config) => {
  const [host = ""] = tokenEndpoint.replace("https://", "").split("/");
  const url = tokenEndpoint.replace(/\{(\w+)\}/g, (_, name: string) => config[name] ?? "");
  return { origin: new URL(url).origin, variesByConnection: host.includes("{") };
};

export const limitsInMemory = (): IntegrationLimits => {
  const states = new Map<string, LimitState>();
  return {
    acquire: async (request) => {
      const { permit, state } = nextPermit(states.get(request.name) ?? noRequests, request);
      states.set(request.name, state);
      return permit;
    },
    release: async (name, permitId) => {
      const { holders: { [permitId]: _, ...holders } = {}, starts = {} } = states.get(name) ?? {};
      states.set(name, { holders, starts });
    },
  };
};

/** The check that the adapter of the token endpoint makes before it sends anything. */
async function recipientRefusal(request: TokenRequest): Promise<TokenResult | undefined> {
  const { registration: asked, config } = request;
  const { origin = "" } = plainOriginOf(asked, config) ?? {};
  const recipient = { clientId: asked.clientId, origin, path: "/token", pathIsDiscovered: false };
  try {
    await request.assertRecipient(recipient);
    return undefined;
  } catch (error) {
    if (!(error instanceof MisconfiguredRegistration)) throw error;
    return { kind: "misconfigured", reason: error.message };
  }
}

/** No operator has moved tokens, and unbound ones are sent. */
export const withoutRebinds = {
  rebinds: { successorOf: async () => undefined },
  requiresBinding: false,
} as const;

export const schedule: ScheduleSettings = {
  sweepIntervalMs: 60_000,
  giveUpAfterMs: 7 * 24 * 3_600_000,
};

export interface Harness {
  readonly dependencies: RefreshDependencies;
  readonly store: InMemoryConnectionStore;
  readonly clock: SteppingClock;
  readonly events: RefreshEvent[];
  /** The requests that the provider has received. */
  readonly tokenRequests: TokenRequest[];
  readonly rescued: TokenSetCommit[];
  /**
   * Calls `refreshConnection` as one process would, with the whole of a function's time.
   * @throws the error of a refresh that failed, so that a test can state it as a rejection
   */
  refresh(changes?: Partial<RefreshRequest>): Promise<FreshToken>;
  stored(): Connection;
  storedTokens(): TokenSet;
  codes(): string[];
}

type ProviderResult = TokenResult | ((request: TokenRequest) => Promise<TokenResult>);

/** One connection and one process. The provider responds with `results` in order, and repeats the last one. */
export function harness({
  stored = connection(),
  results,
  ...overrides
}: {
  stored?: Connection;
  results?: readonly ProviderResult[];
} & Partial<Omit<RefreshDependencies, "holds">> = {}): Harness {
  const clock = steppingClock();
  const store = inMemoryConnectionStore({ connections: [stored] });
  const events: RefreshEvent[] = [];
  const tokenRequests: TokenRequest[] = [];
  const rescued: TokenSetCommit[] = [];
  let leases = 0;
  const telemetry: Telemetry = { emit: (event) => void events.push(event) };
  const { holds, evidence } = new SharedTrouble(clock).view();
  const tokenEndpoint: TokenEndpoint = {
    originOf: plainOriginOf,
    refresh: async (request) => {
      const refusal = await recipientRefusal(request);
      if (refusal !== undefined) return refusal;
      if (!request.maySend()) return { kind: "not_sent" };
      tokenRequests.push(request);
      const result = results?.[Math.min(tokenRequests.length, results.length) - 1];
      if (result === undefined) return granted(`rt-${tokenRequests.length}`, clock.nowMs());
      return typeof result === "function" ? result(request) : result;
    },
  };
  const dependencies: RefreshDependencies = {
    store,
    clock,
    registry: { registration: async () => registration },
    tokenEndpoint,
    ...withoutRebinds,
    cipher: plainCipher,
    rescueQueue: { keep: async (commit) => void rescued.push(commit) },
    holds,
    circuitBreaker: circuitBreaker({ holds, evidence, tokenEndpoint, clock, telemetry }),
    limits: limitsInMemory(),
    telemetry,
    random: () => 0.5,
    newLeaseId: () => `lease-${++leases}`,
    budget,
    coalesceWindowMs,
    schedule,
    ...overrides,
  };
  const refresh = refreshConnection(dependencies);
  return {
    dependencies,
    store,
    clock,
    events,
    tokenRequests,
    rescued,
    refresh: (changes = {}) => {
      const endsAtMs = clock.nowMs() + budget.functionTimeoutMs;
      const invocation = { remainingMs: () => endsAtMs - clock.nowMs() };
      return orThrow(refresh({ connectionId, workspaceId, invocation, ...changes }));
    },
    stored: () => store.stored(connectionId) ?? fail("the connection is gone"),
    storedTokens: () => {
      const { credentials } = store.stored(connectionId) ?? {};
      return credentials === undefined ? fail("no credentials stored") : opened(credentials);
    },
    codes: () => events.map(({ code }) => code),
  };
}

/** @throws the error of a refresh that failed */
async function orThrow(outcome: Promise<RefreshOutcome>): Promise<FreshToken> {
  const ended = await outcome;
  if (ended.kind === "failed") throw ended.error;
  return ended;
}

function fail(message: string): never {
  throw new Error(message);
}
