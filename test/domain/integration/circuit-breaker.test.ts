import { circuitBreaker, nextHold } from "../../../functions/domain/integration/circuit-breaker.ts";
import type { IntegrationHold } from "../../../functions/domain/model/integration-hold.ts";
import type { RefreshEvent } from "../../../functions/domain/ports/events.ts";
import type { TokenResult } from "../../../functions/domain/ports/token-endpoint.ts";
import { granted, holdsInMemory, registration, startMs } from "../../support/refresh-harness.ts";

const { name } = registration;
const unavailable: TokenResult = { kind: "unavailable", reason: "503", retryAfterMs: undefined };
const serverError: TokenResult = { kind: "unusable", reason: "500", serverFailed: true };
const oddAnswer: TokenResult = { kind: "unusable", reason: "400", serverFailed: false };
const success = granted("rt-1", startMs);

function scene() {
  let nowMs = startMs;
  const events: RefreshEvent[] = [];
  const holds = holdsInMemory();
  const one = circuitBreaker({
    holds,
    clock: { nowMs: () => nowMs },
    telemetry: { emit: (event) => void events.push(event) },
  });
  return {
    holds,
    events,
    advance: (durationMs: number) => {
      nowMs += durationMs;
    },
    report: (answer: TokenResult, known?: IntegrationHold) =>
      one.report(registration, answer, known),
    hold: () => holds.current(name),
  };
}

describe("closed", () => {
  test.each<[string, TokenResult]>([
    ["503", unavailable],
    ["500", serverError],
    ["a timeout", { kind: "timed_out" }],
    ["a broken connection", { kind: "broken_off", reason: "reset" }],
  ])("five in a row of %s hold the integration; four do not", async (_, answer) => {
    const s = scene();
    for (let i = 0; i < 4; i++) expect(await s.report(answer)).toBeUndefined();
    expect(await s.hold()).toBeUndefined();
    expect(await s.report(answer)).toMatchObject({ reason: "provider_failing", count: 1 });
    expect(await s.hold()).toMatchObject({ untilMs: startMs + 30_000 });
  });

  test.each<[string, TokenResult]>([
    ["tokens", success],
    [
      "a dead refresh token",
      { kind: "refused", providerError: "invalid_grant", providerErrorDescription: undefined },
    ],
    ["an answer that is merely odd", oddAnswer],
  ])("%s in between end the run: the provider is there", async (_, answer) => {
    const s = scene();
    for (let i = 0; i < 20; i++) await s.report(i % 5 === 4 ? answer : unavailable);
    expect(await s.hold()).toBeUndefined();
  });

  test("a 429 with Retry-After holds until then; without, it is the connection's own", async () => {
    const s = scene();
    await s.report({ kind: "rate_limited", retryAfterMs: undefined });
    expect(await s.hold()).toBeUndefined();
    await s.report({ kind: "rate_limited", retryAfterMs: 90_000 });
    expect(await s.hold()).toMatchObject({ reason: "rate_limited", untilMs: startMs + 90_000 });
  });

  test.each<[string, TokenResult]>([
    [
      "a refusal for now",
      { kind: "unavailable", reason: "ip restricted", retryAfterMs: 3_600_000 },
    ],
    ["a rate", { kind: "rate_limited", retryAfterMs: 600_000 }],
  ])("%s that is one connection's holds nobody else", async (_, answer) => {
    const s = scene();
    const own = { ...answer, concerns: "connection" } as TokenResult;
    for (let i = 0; i < 10; i++) await s.report(own);
    expect(await s.hold()).toBeUndefined();
    // The provider is there, and the run of failures is over.
    for (let i = 0; i < 20; i++) await s.report(i % 5 === 4 ? own : unavailable);
    expect(await s.hold()).toBeUndefined();
  });

  test("what was not sent says nothing", async () => {
    const s = scene();
    for (let i = 0; i < 10; i++) await s.report({ kind: "not_sent" });
    expect(await s.hold()).toBeUndefined();
  });
});

describe("half-open", () => {
  const opened = async () => {
    const s = scene();
    for (let i = 0; i < 5; i++) await s.report(unavailable);
    s.advance(30_000);
    const hold = (await s.hold()) as IntegrationHold;
    const probe = await s.holds.probe(name, hold, startMs + 50_000);
    return { ...s, probe: probe as IntegrationHold, first: hold };
  };

  test("lets one caller through, and no other until the probe's time is over", async () => {
    const { holds, first, probe } = await opened();
    expect(probe.untilMs).toBe(startMs + 50_000);
    expect(await holds.probe(name, first, startMs + 50_000)).toBeUndefined();
  });

  test("a probe that is answered ends the hold", async () => {
    const s = await opened();
    await s.report(success, s.probe);
    expect(await s.hold()).toBeUndefined();
    expect(s.events.at(-1)).toEqual({ code: "integration.recovered", registrationName: name });
  });

  test("a single failure of the probe holds again, for twice as long", async () => {
    const s = await opened();
    await s.report(unavailable, s.probe);
    expect(await s.hold()).toMatchObject({
      count: 2,
      beganAtMs: startMs,
      untilMs: startMs + 30_000 + 60_000,
    });
  });

  test("what another process has decided meanwhile stays", async () => {
    const s = await opened();
    const other = nextHold("rate_limited", "v1", s.probe, startMs, 600_000);
    await s.holds.place(name, other, s.probe);
    await s.report(success, s.probe);
    expect(await s.hold()).toEqual(other);
  });
});

test("holds double up to a quarter of an hour", () => {
  let hold: IntegrationHold | undefined;
  const durations = Array.from({ length: 8 }, () => {
    hold = nextHold("provider_failing", "v1", hold, startMs);
    return (hold.untilMs - startMs) / 1000;
  });
  expect(durations).toEqual([30, 60, 120, 240, 480, 900, 900, 900]);
});
