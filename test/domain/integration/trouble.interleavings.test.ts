import fc from "fast-check";
import { circuitBreaker } from "../../../functions/domain/integration/circuit-breaker.ts";
import type {
  Connection,
  ConnectionId,
  WorkspaceId,
} from "../../../functions/domain/model/connection.ts";
import {
  type IntegrationHold,
  isSameScope,
} from "../../../functions/domain/model/integration-hold.ts";
import type { TokenResult } from "../../../functions/domain/ports/token-endpoint.ts";
import { withPermission } from "../../../functions/domain/refresh/permission.ts";
import { assertProperty } from "../../support/property.ts";
import {
  budget,
  connection,
  granted,
  limitsInMemory,
  plainOriginOf,
  registration,
  startMs,
} from "../../support/refresh-harness.ts";
import { SharedTrouble } from "../../support/shared-trouble.ts";

/**
 * Three processes that share one table of trouble, each with its own view of it, two seconds old at most. fast-check
 * decides in which order their requests to the table and to the provider happen, when time passes, and which process
 * dies before its response. The rules below hold in every order.
 */

const { name } = registration;
const maxAgeMs = 2_000;
const connectionsAWorkspace = 3;
const workspaces = ["wsp_0", "wsp_1", "wsp_2"] as const;

interface Call {
  readonly process: number;
  readonly workspace: number;
  readonly connection: number;
  /** Its process dies after the request was sent. */
  readonly dies: boolean;
}

interface Scenario {
  readonly sharesHost: boolean;
  /** By workspace: whether its connections fail. */
  readonly fails: readonly boolean[];
  readonly result: TokenResult;
  readonly calls: readonly Call[];
  readonly leapsMs: readonly number[];
}

const failures: readonly TokenResult[] = [
  { kind: "unusable", reason: "500", serverFailed: true },
  { kind: "rate_limited", retryAfterMs: 60_000 },
  { kind: "client_rejected", providerError: "invalid_client", providerErrorDescription: undefined },
];

const scenarios = (fails: fc.Arbitrary<readonly boolean[]>) =>
  fc.record<Scenario>({
    sharesHost: fc.boolean(),
    fails,
    result: fc.constantFrom(...failures),
    calls: fc.array(
      fc.record({
        process: fc.nat(2),
        workspace: fc.nat(2),
        connection: fc.nat(connectionsAWorkspace - 1),
        dies: fc.constantFrom(false, false, false, true),
      }),
      { minLength: 10, maxLength: 40 },
    ),
    leapsMs: fc.array(fc.constantFrom(100, 1_000, 3_000, 10_000, 31_000, 61_000), {
      minLength: 4,
      maxLength: 16,
    }),
  });

/** Those that have failed, by the workspace. */
type Failed = ReadonlyMap<string, ReadonlySet<string>>;

interface Blocked {
  readonly workspaceId: string;
  readonly failed: Failed;
}

function world(scheduler: fc.Scheduler, scenario: Scenario) {
  let nowMs = startMs;
  let areWell = false;
  const clock = { nowMs: () => nowMs, sleep: async () => {} };
  const shared = new SharedTrouble(clock, maxAgeMs);
  const failed = new Map<string, Set<string>>();
  const blocked: Blocked[] = [];
  const probes: IntegrationHold[] = [];
  const overlaps: IntegrationHold[] = [];
  const tokenEndpoint = scenario.sharesHost
    ? "https://provider.example/{tenant}/token"
    : "https://{tenant}.provider.example/token";
  const own = { ...registration, tokenEndpoint };

  const step = (label: string) => scheduler.schedule(Promise.resolve(), label);
  /** Each request to the table happens at a moment of its own, and its response arrives at another. */
  const stepped = <Port extends object>(process: number, port: Port): Port =>
    Object.fromEntries(
      Object.entries(port).map(([operation, run]) => [
        operation,
        async (...args: readonly unknown[]) => {
          await step(`${operation} of process ${process}`);
          const result = await run(...args);
          await step(`response to ${operation} of process ${process}`);
          return result;
        },
      ]),
    ) as Port;

  const processes = [0, 1, 2].map((process) => {
    const view = shared.view();
    const holds = stepped(process, view.holds);
    const telemetry = { emit: () => {} };
    const endpoint = {
      originOf: plainOriginOf,
      refresh: () => Promise.reject(new Error("unused")),
    };
    return {
      ...{ holds, telemetry, clock, budget, tokenEndpoint: endpoint },
      circuitBreaker: circuitBreaker({
        ...{ holds, evidence: stepped(process, view.evidence), telemetry, clock },
        tokenEndpoint: endpoint,
      }),
      registry: { registration: async () => own },
      limits: limitsInMemory(),
      random: () => 0.5,
      newLeaseId: () => "permit",
    };
  });

  const respond = (asker: Connection): TokenResult => {
    const workspace = workspaces.indexOf(asker.workspaceId as (typeof workspaces)[number]);
    if (areWell || scenario.fails[workspace] !== true) return granted("rt", nowMs);
    const ids = failed.get(asker.workspaceId) ?? new Set();
    failed.set(asker.workspaceId, ids.add(asker.connectionId));
    return scenario.result;
  };

  const call = async ({ process, workspace, connection: n, dies }: Call): Promise<string> => {
    const asker = connection({
      connectionId: `conn_${workspace}_${n}` as ConnectionId,
      workspaceId: workspaces[workspace] as WorkspaceId,
      config: { tenant: `tenant${workspace}` },
    });
    const dependencies = processes[process];
    if (dependencies === undefined) throw new Error("no such process");
    const outcome = await withPermission(
      dependencies,
      asker,
      { timeoutMs: 0 },
      async (permission) => {
        const { hold } = permission;
        // A function whose probe's time is over has ended.
        const isProbing = hold !== undefined && hold.untilMs > nowMs;
        if (isProbing) {
          const isSame = (other: IntegrationHold) => isSameScope(hold.scope, other.scope);
          overlaps.push(...probes.filter((other) => isSame(other) && other.untilMs > nowMs));
          probes.push(hold);
        }
        await step(`request of ${asker.connectionId}`);
        const result = respond(asker);
        if (isProbing) probes.splice(probes.indexOf(hold), 1);
        if (dies) return "died";
        await dependencies.circuitBreaker.report(
          { connection: asker, registration: own, permission },
          result,
        );
        return result.kind;
      },
    );
    if (typeof outcome === "string") return outcome;
    blocked.push({ workspaceId: asker.workspaceId, failed: structuredClone(failed) });
    return "held";
  };

  return {
    ...{ blocked, overlaps, call },
    leap: (durationMs: number) => {
      nowMs += durationMs;
    },
    makeWell: () => {
      areWell = true;
    },
    holds: () => shared.stored(name).holds,
  };
}

/** A process sends one request after the other, and time passes beside. */
async function run(scheduler: fc.Scheduler, scenario: Scenario) {
  const seen = world(scheduler, scenario);
  const turn = (label: string) => scheduler.schedule(Promise.resolve(), label);
  const working = [0, 1, 2].map(async (process) => {
    for (const call of scenario.calls) if (call.process === process) await seen.call(call);
  });
  const passing = async () => {
    for (const leapMs of scenario.leapsMs) {
      for (let n = 0; n < turnsBetweenLeaps; n++) await turn("time passes");
      seen.leap(leapMs);
    }
  };
  const all = Promise.all([...working, passing()]);
  await scheduler.waitIdle();
  await all;
  return seen;
}

/** A call takes about ten turns. */
const turnsBetweenLeaps = 8;

const connectionsIn = (failed: Failed, workspaceId?: string): number =>
  [...failed]
    .filter(([id]) => workspaceId === undefined || id === workspaceId)
    .reduce((sum, [, ids]) => sum + ids.size, 0);

const isNotGranted = (outcome: string): boolean => outcome !== "granted";

const anyWorkspacesFail = fc.array(fc.boolean(), { minLength: 3, maxLength: 3 });
const oneWorkspaceFails = fc.constantFrom<readonly boolean[]>(
  [true, false, false],
  [false, true, false],
  [false, false, true],
);

test("no connection of another workspace is held for what one workspace meets", () =>
  assertProperty(
    "interleaving",
    fc.asyncProperty(fc.scheduler(), scenarios(oneWorkspaceFails), async (scheduler, scenario) => {
      const { blocked } = await run(scheduler, scenario);
      const failing = workspaces[scenario.fails.indexOf(true)];
      expect(blocked.filter(({ workspaceId }) => workspaceId !== failing)).toEqual([]);
    }),
  ));

test("a connection is held only after two others have failed, or one of its own workspace and itself", () =>
  assertProperty(
    "interleaving",
    fc.asyncProperty(fc.scheduler(), scenarios(anyWorkspacesFail), async (scheduler, scenario) => {
      const { blocked } = await run(scheduler, scenario);
      for (const { workspaceId, failed } of blocked) {
        expect(connectionsIn(failed)).toBeGreaterThanOrEqual(2);
        if (failed.size === 1) {
          expect(connectionsIn(failed, workspaceId)).toBeGreaterThanOrEqual(2);
        }
      }
    }),
  ));

test("two connections without a failure do not probe one hold at the same time", () =>
  assertProperty(
    "interleaving",
    fc.asyncProperty(
      fc.scheduler(),
      scenarios(fc.constant([true, true, true])),
      async (scheduler, scenario) => {
        const { overlaps } = await run(scheduler, scenario);
        expect(overlaps).toEqual([]);
      },
    ),
  ));

test("once the provider is well, everybody is, within the longest hold and two of its periods", () =>
  assertProperty(
    "interleaving",
    fc.asyncProperty(fc.scheduler(), scenarios(anyWorkspacesFail), async (scheduler, scenario) => {
      const seen = await run(scheduler, scenario);
      seen.makeWell();
      const everybody = workspaces.flatMap((_, workspace) =>
        Array.from({ length: connectionsAWorkspace }, (__, n) => ({
          ...{ process: n, workspace, connection: n, dies: false },
        })),
      );
      let outcomes: readonly string[] = ["not called yet"];
      for (let minute = 0; minute < 90 && outcomes.some(isNotGranted); minute++) {
        seen.leap(60_000);
        const calls = everybody.map(seen.call);
        await scheduler.waitIdle();
        outcomes = await Promise.all(calls);
      }
      expect(outcomes.filter(isNotGranted)).toEqual([]);
      expect(seen.holds()).toEqual([]);
    }),
  ));
