import { circuitBreaker } from "../../../functions/domain/integration/circuit-breaker.ts";
import { nextHold } from "../../../functions/domain/integration/hold-duration.ts";
import { mayProbeAtMs, probed, returnsAtMs } from "../../../functions/domain/integration/probe.ts";
import type { Connection, ConnectionId } from "../../../functions/domain/model/connection.ts";
import type { IntegrationHold } from "../../../functions/domain/model/integration-hold.ts";
import type { RefreshEvent } from "../../../functions/domain/ports/events.ts";
import type { TokenResult } from "../../../functions/domain/ports/token-endpoint.ts";
import {
  budget,
  connection,
  granted,
  hold,
  plainOriginOf,
  registration,
  startMs,
  workspaceId,
} from "../../support/refresh-harness.ts";
import { SharedTrouble } from "../../support/shared-trouble.ts";

const { name } = registration;
const origin = "https://provider.example";
const unavailable: TokenResult = { kind: "unavailable", reason: "503", retryAfterMs: undefined };
const serverError: TokenResult = { kind: "unusable", reason: "500", serverFailed: true };
const oddResponse: TokenResult = { kind: "unusable", reason: "400", serverFailed: false };
const success = granted("rt-1", startMs);
const one = (n: number, changes: Partial<Connection> = {}): Connection =>
  connection({ connectionId: `conn_${n}` as ConnectionId, ...changes });

function scene() {
  let nowMs = startMs;
  const events: RefreshEvent[] = [];
  const clock = { nowMs: () => nowMs };
  const { holds, evidence } = new SharedTrouble(clock).view();
  const breaker = circuitBreaker({
    ...{ holds, evidence, clock },
    tokenEndpoint: { originOf: plainOriginOf },
    telemetry: { emit: (event) => void events.push(event) },
  });
  const report = async (of: Connection, result: TokenResult, probe?: IntegrationHold) => {
    const { windows } = await holds.current(name);
    const permission = { hold: probe, windows };
    return breaker.report({ connection: of, registration, permission }, result);
  };
  return {
    holds,
    events,
    nowMs: clock.nowMs,
    advance: (durationMs: number) => {
      nowMs += durationMs;
    },
    report,
    /** One result each, a second apart, of as many connections. */
    reportAll: async (results: readonly TokenResult[]) => {
      for (const [n, result] of results.entries()) {
        await report(one(n), result);
        nowMs += 1_000;
      }
    },
    hold: async () => (await holds.current(name)).holds[0],
  };
}

const times = (count: number, result: TokenResult): TokenResult[] => Array(count).fill(result);

describe("closed", () => {
  test.each<[string, TokenResult]>([
    ["503", unavailable],
    ["500", serverError],
    ["a timeout", { kind: "timed_out" }],
    [
      "a success without tokens where they were expected",
      { kind: "unusable", reason: "200", serverFailed: false, mayHaveRotated: true },
    ],
    ["a broken connection", { kind: "broken_off", reason: "reset" }],
  ])("%s for three connections holds, once it has lasted three seconds", async (_, result) => {
    const s = scene();
    await s.reportAll(times(3, result));
    expect(await s.hold()).toBeUndefined();
    expect(await s.report(one(3), result)).toMatchObject({ reason: "provider_failing", count: 1 });
    expect(await s.hold()).toMatchObject({
      scope: { origin, workspaceId },
      untilMs: s.nowMs() + 30_000,
    });
  });

  test("one connection holds nobody, however often it fails", async () => {
    const s = scene();
    for (let n = 0; n < 200; n++) {
      expect(await s.report(one(1), unavailable)).toBeUndefined();
      s.advance(1_000);
    }
  });

  test("connections that fail further apart than a window hold nobody", async () => {
    const s = scene();
    for (let n = 0; n < 20; n++) {
      expect(await s.report(one(n), unavailable)).toBeUndefined();
      s.advance(60_001);
    }
  });

  test.each<[string, TokenResult]>([
    ["tokens", success],
    [
      "a dead refresh token",
      { kind: "refused", providerError: "invalid_grant", providerErrorDescription: undefined },
    ],
    ["a response that is merely odd", oddResponse],
    [
      "a refusal for now of one connection",
      { kind: "unavailable", reason: "ip", retryAfterMs: 3_600_000, concerns: "connection" },
    ],
    [
      "a rate of one connection",
      { kind: "rate_limited", retryAfterMs: 600_000, concerns: "connection" },
    ],
  ])("%s for one of them shows that the provider is there", async (_, result) => {
    const s = scene();
    await s.reportAll([unavailable, result, ...times(10, unavailable)]);
    expect(await s.hold()).toBeUndefined();
  });

  test.each<[string, TokenResult]>([
    ["with Retry-After", { kind: "rate_limited", retryAfterMs: 90_000 }],
    ["without", { kind: "rate_limited", retryAfterMs: undefined }],
  ])("a 429 %s holds once two connections have met it", async (_, result) => {
    const s = scene();
    await s.report(one(0), result);
    s.advance(3_000);
    expect(await s.hold()).toBeUndefined();
    await s.report(one(1), result);
    const durationMs = "retryAfterMs" in result ? result.retryAfterMs : undefined;
    expect(await s.hold()).toMatchObject({
      reason: "rate_limited",
      untilMs: s.nowMs() + (durationMs ?? 5_000),
    });
  });

  test("failures of different kinds are not one trouble", async () => {
    const s = scene();
    const rejected = {
      kind: "client_rejected",
      providerError: "invalid_client",
      providerErrorDescription: undefined,
    } as const;
    const limited = { kind: "rate_limited", retryAfterMs: 60_000 } as const;
    await s.reportAll([unavailable, rejected, unavailable, limited]);
    s.advance(10_000);
    expect(await s.hold()).toBeUndefined();
  });

  test("a request that was not sent, or could not be, says nothing", async () => {
    const s = scene();
    await s.reportAll(times(10, { kind: "not_sent" }));
    await s.reportAll(times(10, { kind: "misconfigured", reason: "no https" }));
    expect(await s.holds.current(name)).toEqual({ holds: [], windows: [] });
  });

  test("a success while nothing fails is not stored", async () => {
    const s = scene();
    await s.reportAll(times(10, success));
    expect(await s.holds.current(name)).toEqual({ holds: [], windows: [] });
  });

  test("the event names the integration, the scope, the cause and the connections", async () => {
    const s = scene();
    await s.reportAll(times(4, unavailable));
    expect(s.events).toEqual([
      {
        code: "integration.held",
        registrationName: name,
        integration: "acme",
        hold: expect.objectContaining({
          scope: { origin, workspaceId },
          reason: "provider_failing",
          failing: [0, 1, 2, 3].map((n) => ({ connectionId: `conn_${n}`, workspaceId })),
        }),
      },
    ]);
  });
});

describe("open", () => {
  test("a request that was under way shares the hold, and adds nothing to the evidence", async () => {
    const s = scene();
    const placed = hold();
    await s.holds.replace(name, undefined, placed);
    expect(await s.report(one(1), unavailable)).toEqual(placed);
    expect((await s.holds.current(name)).windows).toEqual([]);
  });
});

describe("half-open", () => {
  const due = { untilMs: startMs, failing: [one(0), one(1)] };
  const opened = async (changes: Partial<IntegrationHold> = {}) => {
    const s = scene();
    const placed = hold({ ...due, triedAtMs: startMs - 30_000, ...changes });
    await s.holds.replace(name, undefined, placed);
    return { ...s, placed };
  };
  const probeBy = async (s: Awaited<ReturnType<typeof opened>>, by: Connection) => {
    const probe = probed(s.placed, by, s.nowMs(), budget);
    expect(await s.holds.replace(name, s.placed, probe)).toBe(true);
    return probe;
  };

  test("a probe that succeeds ends the hold", async () => {
    const s = await opened();
    await s.report(one(5), success, await probeBy(s, one(5)));
    expect(await s.hold()).toBeUndefined();
    expect(s.events.at(-1)).toEqual({
      code: "integration.recovered",
      registrationName: name,
      integration: "acme",
      scope: hold().scope,
    });
  });

  test("a probe that fails holds again, for twice as long, and names its connection", async () => {
    const s = await opened();
    await s.report(one(5), unavailable, await probeBy(s, one(5)));
    const next = await s.hold();
    expect(next).toMatchObject({ count: 2, beganAtMs: startMs, untilMs: startMs + 60_000 });
    expect(next?.failing.map(({ connectionId }) => connectionId)).toEqual(
      expect.arrayContaining(["conn_0", "conn_1", "conn_5"]),
    );
  });

  test("a probe of a connection that has failed before does not move the hold's end", async () => {
    const s = await opened();
    s.advance(60_000);
    const probe = await probeBy(s, one(0));
    expect(probe).toMatchObject({ untilMs: startMs, triedAtMs: startMs + 60_000 });
    expect(await s.report(one(0), unavailable, probe)).toEqual(probe);
    expect(await s.hold()).toEqual(probe);
  });

  test("a probe of a connection that has failed before keeps no other connection away", async () => {
    const s = await opened();
    s.advance(60_000);
    const probe = await probeBy(s, one(0));
    expect(mayProbeAtMs(probe, one(5))).toBe(startMs);
  });

  test("another process's hold stays whatever the probe's result is", async () => {
    const s = await opened();
    const probe = await probeBy(s, one(5));
    const other = hold({ reason: "rate_limited", untilMs: startMs + 600_000 });
    await s.holds.replace(name, probe, other);
    await s.report(one(5), success, probe);
    expect(await s.hold()).toEqual(other);
  });
});

describe("the connection that may probe", () => {
  const failing = [0, 1, 2].map((n) => one(n));
  const placed = hold({ failing, beganAtMs: startMs, untilMs: startMs + 30_000 });
  const failure = {
    code: "provider_error",
    count: 3,
    beganAtMs: startMs - 1,
    lastAtMs: startMs,
    leaseId: "lease-0",
    retryAtMs: undefined,
    providerError: undefined,
    providerErrorDescription: undefined,
  } as const;

  test.each([
    ["has no failure", one(5), 30_000],
    [
      "was postponed because of the hold",
      one(5, { failure: { ...failure, beganAtMs: startMs } }),
      30_000,
    ],
    [
      "was postponed because of an earlier hold",
      one(5, { failure: { ...failure, code: "integration_held" } }),
      30_000,
    ],
    ["failed before the hold", one(5, { failure }), 90_000],
    ["was tried longest ago of those that led to it", one(0), 90_000],
    ["was tried after that one", one(1), 120_000],
    ["was tried last", one(2), 150_000],
  ])("at its time: %s", (_, by, afterMs) => {
    expect(mayProbeAtMs(placed, by) - startMs).toBe(afterMs);
  });

  test("waits two periods after each attempt of one that has failed before", () => {
    const nowMs = startMs + 90_000;
    const tried = probed(placed, one(0), nowMs, budget);
    expect(tried.failing.map(({ connectionId }) => connectionId)).toEqual([
      "conn_1",
      "conn_2",
      "conn_0",
    ]);
    expect(mayProbeAtMs(tried, one(1))).toBe(nowMs + 60_000);
  });

  test("comes back at the hold's end, or within a minute after it", () => {
    expect(returnsAtMs(placed, one(2), startMs)).toBe(startMs + 30_000);
    const nowMs = startMs + 40_000;
    expect(returnsAtMs(placed, one(2), nowMs)).toBe(nowMs + 60_000);
    expect(returnsAtMs(placed, one(0), nowMs)).toBe(startMs + 90_000);
  });
});

test("holds double up to a quarter of an hour", () => {
  let last: IntegrationHold | undefined;
  const cause = {
    reason: "provider_failing",
    registrationVersion: "v1",
    retryAfterMs: undefined,
    failing: [],
  } as const;
  const durations = Array.from({ length: 8 }, () => {
    last = nextHold({ origin, workspaceId }, cause, last, startMs);
    return (last.untilMs - startMs) / 1000;
  });
  expect(durations).toEqual([30, 60, 120, 240, 480, 900, 900, 900]);
});
