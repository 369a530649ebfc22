import { circuitBreaker } from "../../functions/domain/integration/circuit-breaker.ts";
import type { TokenResult } from "../../functions/domain/ports/token-endpoint.ts";
import type { RefreshDependencies } from "../../functions/domain/refresh/dependencies.ts";
import {
  type Customer,
  type SharedProviderOptions,
  sharedProvider,
} from "../support/shared-provider.ts";
import { SharedTrouble } from "../support/shared-trouble.ts";

const secondMs = 1_000;
const perTenant = "https://{tenant}.provider.example/token";
const oneHost = "https://provider.example/{tenant}/token";
const maxAgeMs = 2_000;

/** Processes that share what they know of trouble through one table, and read it every two seconds. */
function world(options: Omit<SharedProviderOptions, "dependenciesOf">) {
  let shared: SharedTrouble | undefined;
  const dependenciesOf = (dependencies: RefreshDependencies): RefreshDependencies => {
    const { clock, telemetry, tokenEndpoint } = dependencies;
    shared ??= new SharedTrouble(clock, maxAgeMs);
    const { holds, evidence } = shared.view();
    return {
      ...dependencies,
      holds,
      circuitBreaker: circuitBreaker({ holds, evidence, tokenEndpoint, clock, telemetry }),
    };
  };
  return sharedProvider({ ...options, dependenciesOf });
}

const customer = (n: number, changes: Partial<Customer> = {}): Customer => ({
  connectionId: `conn_${n}`,
  workspaceId: `wsp_${n}`,
  tenant: `tenant${n}`,
  ...changes,
});
const bad = customer(0);
const good = customer(1);
const failed: TokenResult = { kind: "unusable", reason: "status 500", serverFailed: true };
const reset: TokenResult = { kind: "broken_off", reason: "reset" };
const limited: TokenResult = { kind: "rate_limited", retryAfterMs: 3_600_000 };
const rejected: TokenResult = {
  kind: "client_rejected",
  providerError: "invalid_client",
  providerErrorDescription: undefined,
};

describe.each([
  ["each tenant has a host", perTenant],
  ["all tenants share a host", oneHost],
])("the trouble of one connection, where %s,", (_, tokenEndpoint) => {
  test("a 429 with Retry-After of an hour stops nobody else", async () => {
    const w = world({
      customers: [bad, good],
      tokenEndpoint,
      respond: (one) => (one === bad ? limited : undefined),
    });
    expect(await w.call(bad)).toBe("provider_rate_limited");
    w.clock.advance(10 * secondMs);
    expect(await w.call(good)).toBe("refreshed");
    expect(await w.call(bad)).toBe("provider_rate_limited");
    expect(w.asked).toEqual([bad, good]);
  });

  test("an invalid_client stops nobody else", async () => {
    const w = world({
      customers: [bad, good],
      tokenEndpoint,
      respond: (one) => (one === bad ? rejected : undefined),
    });
    for (let n = 0; n < 5; n++) {
      expect(await w.call(bad)).toBe("client_rejected");
      w.clock.advance(10 * secondMs);
    }
    expect(await w.call(good)).toBe("refreshed");
  });

  test("five resets in a row of one workspace stop nobody else", async () => {
    const { workspaceId, tenant } = bad;
    const own = Array.from({ length: 5 }, (__, n) => customer(10 + n, { workspaceId, tenant }));
    const w = world({
      customers: [...own, good],
      tokenEndpoint,
      respond: (one) => (one.workspaceId === workspaceId ? reset : undefined),
      processes: 1,
    });
    for (const one of own) {
      await w.call(one);
      w.clock.advance(secondMs);
    }
    w.clock.advance(2 * secondMs);
    expect(await w.call(good)).toBe("refreshed");
  });

  test("3.5 calls a second for seven minutes cost another tenant no call", async () => {
    const w = world({
      customers: [bad, good],
      tokenEndpoint,
      respond: (one) => (one === bad ? failed : undefined),
      processes: 1,
    });
    const callsOfBad = 420 * 3.5;
    const callsOfGood = 405;
    const beginsAt = callsOfBad - callsOfGood * 3.5;
    const outcomes: string[] = [];
    for (let n = 0; n < callsOfBad; n++) {
      await w.call(bad);
      if ((n - beginsAt) / 3.5 > outcomes.length) outcomes.push(await w.call(good));
      w.clock.advance(secondMs / 3.5);
    }
    expect(outcomes).toHaveLength(callsOfGood);
    expect(outcomes.filter((outcome) => outcome.includes("_"))).toEqual([]);
  });
});

const many = Array.from({ length: 12 }, (_, n) => customer(100 + n));
const held = (w: ReturnType<typeof world>) =>
  w.events.flatMap((event) => (event.code === "integration.held" ? [event.hold] : []));

/** Calls one after the other, a second apart. */
async function callAll(w: ReturnType<typeof world>, customers: readonly Customer[]) {
  const outcomes: string[] = [];
  for (const one of customers) {
    outcomes.push(await w.call(one));
    w.clock.advance(secondMs);
  }
  return outcomes;
}

describe("a provider that is down for everybody", () => {
  test.each([
    ["each tenant has a host", perTenant, undefined],
    ["all tenants share a host", oneHost, "https://provider.example"],
  ])("is asked by a few connections, and then held, where %s", async (_, tokenEndpoint, origin) => {
    const w = world({ customers: many, tokenEndpoint, respond: () => failed });
    const outcomes = await callAll(w, many);
    expect(new Set(outcomes.slice(0, 4))).toEqual(new Set(["provider_error"]));
    expect(new Set(outcomes.slice(6))).toEqual(new Set(["integration_held"]));
    expect(held(w)).toHaveLength(1);
    expect(held(w)[0]).toMatchObject({
      scope: { origin, workspaceId: undefined },
      reason: "provider_failing",
    });
  });

  test("is asked no more where its successes cannot be read, before every refresh token is spent", async () => {
    const unread: TokenResult = {
      ...{ kind: "unusable", reason: "status 200", serverFailed: false, mayHaveRotated: true },
    };
    const w = world({ customers: many, respond: () => unread });
    const outcomes = await callAll(w, many);
    expect(outcomes.slice(6)).toEqual(Array(many.length - 6).fill("integration_held"));
    expect(w.asked.length).toBeLessThanOrEqual(6);
  });

  test("is probed by a connection that has not failed, and refreshes everybody once it is back", async () => {
    let isDown = true;
    const w = world({ customers: many, respond: () => (isDown ? failed : undefined) });
    await callAll(w, many);
    const asked = w.asked.length;
    w.clock.advance(30 * secondMs);
    // A connection whose failure has led to the hold waits for one that has none.
    expect(await w.call(many[0] as Customer)).toBe("integration_held");
    expect(await w.call(many[10] as Customer)).toBe("provider_error");
    expect(w.asked).toHaveLength(asked + 1);
    expect(held(w)[1]).toMatchObject({ count: 2, untilMs: w.clock.nowMs() + 60 * secondMs });
    isDown = false;
    w.clock.advance(60 * secondMs);
    expect(await w.call(many[9] as Customer)).toBe("refreshed");
    w.clock.advance(maxAgeMs);
    expect(new Set(await callAll(w, many))).toEqual(new Set(["refreshed"]));
  });

  test("is held for its own tenants alone where one host of several is down", async () => {
    const customers = many.map((one, n) => ({ ...one, tenant: n < 6 ? "north" : "south" }));
    const w = world({
      customers,
      respond: ({ tenant }) => (tenant === "north" ? failed : undefined),
    });
    const [north, south] = [customers.slice(0, 6), customers.slice(6)];
    for (let n = 0; n < 6; n++) {
      await callAll(w, [north[n] as Customer]);
      expect(await w.call(south[n] as Customer)).toBe("refreshed");
    }
    expect(held(w).map(({ scope }) => scope)).toEqual([
      { origin: "https://north.provider.example", workspaceId: undefined },
    ]);
  });
});

describe("a client that the provider rejects", () => {
  test("is blamed once a second connection was asked, and not before", async () => {
    const w = world({ customers: many, tokenEndpoint: oneHost, respond: () => rejected });
    const [first, second, third] = many as [Customer, Customer, Customer];
    await w.call(first);
    w.clock.advance(5 * secondMs);
    await w.call(first);
    expect(held(w)).toEqual([]);
    expect(await w.call(second)).toBe("client_rejected");
    expect(held(w)).toMatchObject([{ reason: "client_rejected" }]);
    w.clock.advance(maxAgeMs);
    expect(await w.call(third)).toBe("integration_held");
    expect(w.asked).toHaveLength(3);
  });

  test("is asked for again as soon as its secret has changed", async () => {
    let isWrong = true;
    const w = world({ customers: many, respond: () => (isWrong ? rejected : undefined) });
    await callAll(w, many.slice(0, 6));
    expect(await w.call(many[7] as Customer)).toBe("integration_held");
    isWrong = false;
    w.replaceSecret();
    expect(new Set(await callAll(w, many))).toEqual(new Set(["refreshed"]));
    expect(w.events.filter(({ code }) => code === "integration.recovered")).toHaveLength(1);
  });

  test("is held again where the changed secret is wrong as well", async () => {
    const w = world({ customers: many, respond: () => rejected });
    await callAll(w, many.slice(0, 6));
    w.replaceSecret();
    await callAll(w, many);
    w.clock.advance(maxAgeMs);
    expect(await w.call(many[11] as Customer)).toBe("integration_held");
  });
});

describe("an integration with one workspace", () => {
  const own = many.map((one) => ({ ...one, workspaceId: "wsp_only" }));

  test("is held as a whole, for no other workspace uses it", async () => {
    const w = world({ customers: own, tokenEndpoint: oneHost, respond: () => failed });
    const outcomes = await callAll(w, own);
    expect(outcomes.at(-1)).toBe("integration_held");
    expect(held(w)[0]?.scope.workspaceId).toBe("wsp_only");
  });

  test("does not stop a workspace that begins to use it meanwhile", async () => {
    const w = world({
      customers: [...own, good],
      tokenEndpoint: oneHost,
      respond: (one) => (one === good ? undefined : failed),
    });
    await callAll(w, own);
    expect(held(w)).toHaveLength(1);
    expect(await w.call(good)).toBe("refreshed");
  });
});

describe("an integration with one connection", () => {
  test("is never held, and works once its provider does", async () => {
    let isDown = true;
    const w = world({ customers: [good], respond: () => (isDown ? failed : undefined) });
    await callAll(w, Array<Customer>(10).fill(good));
    expect(held(w)).toEqual([]);
    isDown = false;
    w.clock.advance(5 * 60 * secondMs);
    expect(await w.call(good)).toBe("refreshed");
  });
});

describe("a connection whose requests the provider always fails", () => {
  test("is asked for less and less often, however often its caller calls", async () => {
    const w = world({ customers: [bad], respond: () => failed });
    for (let n = 0; n < 3_600; n++) {
      expect(await w.call(bad)).toBe("provider_error");
      w.clock.advance(secondMs);
    }
    // After 5, 10, 20, … 300 seconds, and every five minutes then.
    expect(w.asked.length).toBeLessThan(22);
  });
});

describe("a rate limit", () => {
  test("that is the client's holds its origin at once", async () => {
    const ofClient: TokenResult = { ...limited, concerns: "integration" } as TokenResult;
    const w = world({ customers: many, tokenEndpoint: oneHost, respond: () => ofClient });
    const [first, second] = many as [Customer, Customer];
    await w.call(first);
    w.clock.advance(maxAgeMs);
    expect(await w.call(second)).toBe("provider_rate_limited");
    expect(w.asked).toEqual([first]);
    expect(held(w)).toMatchObject([{ scope: { origin: "https://provider.example" } }]);
  });

  test("that a second connection meets holds its origin until the provider's own time", async () => {
    const w = world({ customers: many, tokenEndpoint: oneHost, respond: () => limited });
    const [first, second, third] = many as [Customer, Customer, Customer];
    await w.call(first);
    w.clock.advance(5 * secondMs);
    await w.call(second);
    expect(held(w)).toMatchObject([
      { reason: "rate_limited", untilMs: w.clock.nowMs() + 3_600 * secondMs },
    ]);
    w.clock.advance(maxAgeMs);
    expect(await w.call(third)).toBe("provider_rate_limited");
  });
});
