import fc from "fast-check";
import { nextPermit, noRequests } from "../../../functions/domain/integration/rate-limits.ts";
import type { RegistrationName } from "../../../functions/domain/model/connection.ts";
import type { PermitRequest } from "../../../functions/domain/ports/integration.ts";
import { assertProperty } from "../../support/property.ts";
import { startMs } from "../../support/refresh-harness.ts";

const request = (changes: Partial<PermitRequest>): PermitRequest => ({
  name: "integrations/acme" as RegistrationName,
  permitId: "permit",
  maxConcurrent: undefined,
  maxPerMinute: undefined,
  nowMs: startMs,
  expiresAtMs: startMs + 20_000,
  ...changes,
});

test("no minute, wherever it begins, has more requests than are allowed", () => {
  assertProperty(
    "value",
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.integer({ min: 0, max: 9_000 }), { minLength: 1, maxLength: 300 }),
      (maxPerMinute, pausesMs) => {
        let state = noRequests;
        let nowMs = startMs;
        const begunMs: number[] = [];
        for (const pauseMs of pausesMs) {
          nowMs += pauseMs;
          const next = nextPermit(state, request({ maxPerMinute, nowMs }));
          state = next.state;
          if (next.permit.kind === "granted") begunMs.push(nowMs);
        }
        for (const fromMs of begunMs) {
          const within = begunMs.filter((ms) => ms >= fromMs && ms < fromMs + 60_000);
          expect(within.length).toBeLessThanOrEqual(maxPerMinute);
        }
      },
    ),
  );
});

test("all that a minute allows may begin at once, and the next ones when it is over", () => {
  let state = noRequests;
  for (let i = 0; i < 10; i++) {
    const next = nextPermit(state, request({ maxPerMinute: 10 }));
    expect(next.permit.kind).toBe("granted");
    state = next.state;
  }
  const { permit } = nextPermit(state, request({ maxPerMinute: 10 }));
  if (permit.kind !== "busy") throw new Error("more than a minute's requests");
  expect(permit.retryAtMs).toBeGreaterThanOrEqual(startMs + 60_000);
  expect(permit.retryAtMs).toBeLessThanOrEqual(startMs + 61_000);
  const later = nextPermit(state, request({ maxPerMinute: 10, nowMs: permit.retryAtMs }));
  expect(later.permit.kind).toBe("granted");
});

test("who asks once more, for the answer was lost, has the permit and takes no other", () => {
  const limit = { maxConcurrent: 1, maxPerMinute: 1 };
  const { state } = nextPermit(noRequests, request(limit));
  expect(nextPermit(state, request(limit))).toEqual({ permit: { kind: "granted" }, state });
});

test("no more at a time than are allowed, until one is given back or has run out", () => {
  const holders = { a: startMs + 20_000, b: startMs + 10_000 };
  const state = { holders, starts: {} };
  expect(nextPermit(state, request({ maxConcurrent: 2 })).permit.kind).toBe("busy");
  expect(nextPermit(state, request({ maxConcurrent: 3 })).permit.kind).toBe("granted");
  const later = nextPermit(state, request({ maxConcurrent: 2, nowMs: startMs + 10_000 }));
  expect(later.permit.kind).toBe("granted");
  expect(Object.keys(later.state.holders)).toEqual(["a", "permit"]);
});
