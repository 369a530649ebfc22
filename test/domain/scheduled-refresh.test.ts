import type { Connection, RegistrationName } from "../../functions/domain/model/connection.ts";
import {
  MisconfiguredRegistration,
  StoreUnavailable,
} from "../../functions/domain/model/errors.ts";
import type { ConnectionStore } from "../../functions/domain/ports/connection-store.ts";
import type { Permit } from "../../functions/domain/ports/integration.ts";
import type { TokenResult } from "../../functions/domain/ports/token-endpoint.ts";
import { refreshConnection } from "../../functions/domain/refresh.ts";
import { refreshDue } from "../../functions/domain/scheduled-refresh.ts";
import {
  budget,
  coalesceWindowMs,
  connection,
  connectionId,
  granted,
  type Harness,
  harness,
  hold,
  limitsInMemory,
  plainCipher,
  registration,
  schedule,
  sealed,
  startMs,
  tokenSet,
  workspaceId,
} from "../support/refresh-harness.ts";

const minuteMs = 60_000;
const dueNow = (changes: Partial<Connection> = {}): Connection =>
  connection({ refreshAtMs: startMs, expiresAtMs: startMs + 20 * minuteMs, ...changes });

/** Works on the connection's message as one worker would, and counts what that costs the store. */
function worked(options: Parameters<typeof harness>[0]) {
  const h = harness({ stored: dueNow(), ...options });
  const requests: string[] = [];
  const told =
    <Args extends unknown[], Result>(name: string, operation: (...args: Args) => Result) =>
    (...args: Args): Result => {
      requests.push(name);
      return operation(...args);
    };
  const { store: silent } = h.dependencies;
  const store: ConnectionStore = {
    read: told("read", silent.read),
    acquireLease: told("acquireLease", silent.acquireLease),
    scheduleTakeOver: told("scheduleTakeOver", silent.scheduleTakeOver),
    commit: told("commit", silent.commit),
    recordFailure: told("recordFailure", silent.recordFailure),
    releaseLease: told("releaseLease", silent.releaseLease),
    postpone: told("postpone", silent.postpone),
  };
  const dependencies = { ...h.dependencies, store };
  const work = refreshDue({
    ...dependencies,
    refreshConnection: refreshConnection(dependencies),
  });
  return {
    ...h,
    requests,
    /** @param refreshAtMs as the message has it */
    work: (refreshAtMs = startMs) => {
      const endsAtMs = h.clock.nowMs() + budget.functionTimeoutMs;
      const invocation = { remainingMs: () => endsAtMs - h.clock.nowMs() };
      return work({ connectionId, workspaceId, integration: "acme", refreshAtMs }, invocation);
    },
  };
}

const refreshAt = (h: Pick<Harness, "stored">): number | undefined => h.stored().refreshAtMs;

test("refreshes what is due, and schedules it anew", async () => {
  const h = worked({});
  expect(await h.work()).toBe("refreshed");
  expect(h.storedTokens().refreshToken?.reveal()).toBe("rt-1");
  expect(refreshAt(h)).toBeGreaterThan(startMs + 30 * minuteMs);
  expect(h.requests).toEqual(["read", "acquireLease", "commit"]);
});

describe("an answer that does not say when the token ends", () => {
  const silent = granted("rt-1", startMs, { expiresAtMs: undefined });

  test("leaves the connection on the schedule: the token is taken to live as long as the last", async () => {
    const stored = dueNow({ lastRefreshedAtMs: startMs - 40 * minuteMs });
    const h = worked({ stored, results: [silent] });
    expect(await h.work()).toBe("refreshed");
    expect(h.stored().expiresAtMs).toBeUndefined();
    expect(refreshAt(h)).toBeGreaterThan(startMs + 30 * minuteMs);
    expect(refreshAt(h)).toBeLessThan(startMs + 50 * minuteMs);
  });

  test("and again: the lifetime that was assumed before is assumed once more", async () => {
    const stored = dueNow({
      lastRefreshedAtMs: startMs - 40 * minuteMs,
      expiresAtMs: undefined,
      assumedExpiresAtMs: startMs + 20 * minuteMs,
    });
    const h = worked({ stored, results: [silent] });
    expect(await h.work()).toBe("refreshed");
    expect(h.stored().assumedExpiresAtMs).toBe(startMs + 60 * minuteMs);
    expect(refreshAt(h)).toBeGreaterThan(startMs + 30 * minuteMs);
  });

  test("and never has: an hour is assumed, of which the API's callers are told nothing", async () => {
    const stored = dueNow({ expiresAtMs: undefined });
    const h = worked({ stored, results: [silent] });
    expect(await h.work()).toBe("refreshed");
    expect(h.stored()).toMatchObject({
      expiresAtMs: undefined,
      assumedExpiresAtMs: startMs + 60 * minuteMs,
    });
    expect(h.events.at(-1)).toMatchObject({ assumedFrom: "default_lifetime" });
    const outcome = await h.refresh({ minTtlSeconds: 1_800 });
    expect(outcome).toMatchObject({ kind: "still_valid", expiresAtMs: undefined });
    expect(h.tokenRequests).toHaveLength(1);
  });

  test("and is a JWT: its exp is assumed", async () => {
    const jwtExpiresAtMs = startMs + 10 * minuteMs;
    const result = granted("rt-1", startMs, { expiresAtMs: undefined, jwtExpiresAtMs });
    const h = worked({ results: [result] });
    expect(await h.work()).toBe("refreshed");
    expect(h.stored().assumedExpiresAtMs).toBe(jwtExpiresAtMs);
    expect(h.events.at(-1)).toMatchObject({ assumedFrom: "jwt_exp" });
  });

  test("at a provider whose tokens never expire, is on no schedule", async () => {
    const result = granted("rt-1", startMs, { expiresAtMs: undefined, neverExpires: true });
    const h = worked({ results: [result] });
    expect(await h.work()).toBe("refreshed");
    expect(h.stored().assumedExpiresAtMs).toBeUndefined();
    expect(refreshAt(h)).toBeUndefined();
  });
});

test("a message that comes twice costs one read", async () => {
  const h = worked({});
  await h.work();
  h.requests.length = 0;
  expect(await h.work()).toBe("out_of_date");
  expect(h.requests).toEqual(["read"]);
  expect(h.tokenRequests).toHaveLength(1);
});

test("what the index says is due is due, on a machine whose clock is behind as well", async () => {
  const refreshAtMs = startMs + 5_000;
  const h = worked({ stored: dueNow({ refreshAtMs }) });
  expect(await h.work(refreshAtMs)).toBe("refreshed");
});

test("what is due is refreshed however recently it was, if it has not been since it was read", async () => {
  const h = worked({ stored: dueNow({ lastRefreshedAtMs: startMs - coalesceWindowMs / 2 }) });
  expect(await h.work()).toBe("refreshed");
});

test("what somebody refreshes between the read and the lease is not refreshed again", async () => {
  const h = worked({ stored: dueNow({ lastRefreshedAtMs: startMs - 60 * minuteMs }) });
  const { store } = h.dependencies;
  const read: ConnectionStore["read"] = async (key) => {
    const seen = await store.read(key);
    if (h.tokenRequests.length === 0) await h.refresh();
    return seen;
  };
  const work = refreshDue({
    ...h.dependencies,
    store: { ...store, read },
    refreshConnection: refreshConnection(h.dependencies),
  });
  const due = { connectionId, workspaceId, integration: "acme", refreshAtMs: startMs };
  expect(await work(due, { remainingMs: () => 25_000 })).toBe("coalesced");
  expect(h.tokenRequests).toHaveLength(1);
});

test.each([
  ["former", startMs],
  ["later", startMs + minuteMs],
])("a message for a %s time is out of date", async (_, messageForMs) => {
  const h = worked({ stored: dueNow({ refreshAtMs: startMs + 5_000 }) });
  expect(await h.work(messageForMs)).toBe("out_of_date");
  expect(h.requests).toEqual(["read"]);
});

test("a connection that is gone is no failure", async () => {
  const h = worked({});
  h.store.put(connection({ connectionId: "other" as never }));
  const work = refreshDue({
    ...h.dependencies,
    refreshConnection: refreshConnection(h.dependencies),
  });
  const due = {
    connectionId: "gone" as never,
    workspaceId,
    integration: "a",
    refreshAtMs: startMs,
  };
  expect(await work(due, { remainingMs: () => 25_000 })).toBe("gone");
});

describe("what is known to happen is recorded, with the next time, and the message is done", () => {
  test.each<[string, TokenResult, string]>([
    ["503", { kind: "unavailable", reason: "503", retryAfterMs: undefined }, "provider_error"],
    ["a timeout", { kind: "timed_out" }, "provider_timeout"],
    ["429", { kind: "rate_limited", retryAfterMs: undefined }, "provider_rate_limited"],
    ["nonsense", { kind: "unusable", reason: "html", serverFailed: false }, "provider_error"],
    [
      "an endpoint that may not be called",
      { kind: "misconfigured", reason: "http" },
      "misconfigured_integration",
    ],
  ])("%s", async (_, result, code) => {
    const h = worked({ results: [result] });
    expect(await h.work()).toBe("failed");
    expect(h.stored()).toMatchObject({ status: "active", failure: { code, count: 1 } });
    expect(refreshAt(h)).toBeGreaterThan(startMs);
    expect(refreshAt(h)).toBeLessThanOrEqual(h.clock.nowMs() + minuteMs + 60_000);
    expect(h.requests.at(-1)).toBe("recordFailure");
  });

  const refusal: TokenResult = {
    kind: "refused",
    providerError: "invalid_grant",
    providerErrorDescription: undefined,
  };

  test("a dead refresh token leaves the schedule", async () => {
    const h = worked({ stored: dueNow({ expiresAtMs: startMs }), results: [refusal] });
    expect(await h.work()).toBe("failed");
    expect(h.stored()).toMatchObject({ status: "expired", refreshAtMs: undefined });
  });

  test("one that is refused while the access token lives is tried once more at its end", async () => {
    const expiresAtMs = startMs + 15 * minuteMs;
    const h = worked({ stored: dueNow({ expiresAtMs }), results: [refusal] });
    expect(await h.work()).toBe("failed");
    expect(h.stored()).toMatchObject({
      status: "active",
      failure: { code: "provider_error", retryAtMs: expiresAtMs, providerError: "invalid_grant" },
    });
    expect(refreshAt(h)).toBeGreaterThanOrEqual(expiresAtMs);
    h.clock.advance((h.stored().refreshAtMs ?? 0) - h.clock.nowMs());
    expect(await h.work()).toBe("failed");
    expect(h.stored()).toMatchObject({ status: "expired", refreshAtMs: undefined });
  });

  test("a caller's refusal is believed, whether the access token lives or not", async () => {
    const h = worked({ results: [refusal] });
    await expect(h.refresh()).rejects.toMatchObject({ code: "reauthorization_required" });
    expect(h.stored().status).toBe("expired");
  });

  test("so does a connection without a refresh token", async () => {
    const h = worked({ stored: dueNow({ credentials: sealed(tokenSet(undefined)) }) });
    h.store.put(dueNow({ credentials: undefined }), { refreshShard: 1, refreshAtMs: startMs });
    expect(await h.work()).toBe("postponed");
    expect(h.stored()).toMatchObject({ status: "active", refreshAtMs: undefined });
  });

  test("a connection that is switched off is looked at again in an hour", async () => {
    const h = worked({ stored: dueNow({ status: "inactive" }) });
    expect(await h.work()).toBe("postponed");
    expect(refreshAt(h)).toBe(startMs + 60 * minuteMs);
    expect(h.tokenRequests).toHaveLength(0);
  });

  test("a registration that cannot be used", async () => {
    const h = worked({
      registry: {
        registration: async () => {
          throw new MisconfiguredRegistration("client_id: required");
        },
      },
    });
    expect(await h.work()).toBe("postponed");
    expect(h.stored().failure?.code).toBe("misconfigured_integration");
    expect(h.requests).toEqual(["read", "postpone"]);
  });

  test("a key service that does not answer", async () => {
    const h = worked({
      cipher: {
        ...plainCipher,
        open: async () => {
          throw new StoreUnavailable("KMS");
        },
      },
    });
    expect(await h.work()).toBe("postponed");
    expect(refreshAt(h)).toBe(startMs + minuteMs / 2);
    expect(h.stored().lease).toBeUndefined();
  });
});

describe("only the unexpected returns to the queue", () => {
  test("a store that does not answer", async () => {
    const h = worked({});
    const away = () => Promise.reject(new StoreUnavailable("DynamoDB"));
    const store = { ...h.dependencies.store, read: away };
    const work = refreshDue({ ...h.dependencies, store, refreshConnection: async () => away() });
    const due = { connectionId, workspaceId, integration: "acme", refreshAtMs: startMs };
    await expect(work(due, { remainingMs: () => 25_000 })).rejects.toThrow(StoreUnavailable);
  });

  test("tokens that could not be committed: the rescue has to be there before the old one is tried", async () => {
    const h = worked({});
    const { store, clock } = h.dependencies;
    const commit = () => Promise.reject(new StoreUnavailable("DynamoDB"));
    const dependencies = { ...h.dependencies, store: { ...store, commit } };
    const work = refreshDue({
      ...dependencies,
      refreshConnection: refreshConnection(dependencies),
    });
    const due = { connectionId, workspaceId, integration: "acme", refreshAtMs: startMs };
    const endsAtMs = startMs + budget.functionTimeoutMs;
    const invocation = { remainingMs: () => endsAtMs - clock.nowMs() };
    await expect(work(due, invocation)).rejects.toThrow("does not answer");
    expect(h.rescued).toHaveLength(1);
    expect(h.stored()).toMatchObject({ credentialsVersion: 1, refreshAtMs: startMs });
  });

  test("a fault of our own", async () => {
    const h = worked({
      results: [
        async () => {
          throw new TypeError("a fault");
        },
      ],
    });
    await expect(h.work()).rejects.toThrow(TypeError);
    expect(refreshAt(h)).toBe(startMs);
  });
});

describe("an integration that is held", () => {
  const held = async (untilMs: number, options: Parameters<typeof worked>[0] = {}) => {
    const h = worked(options);
    await h.dependencies.holds.replace(registration.name, undefined, hold({ untilMs }));
    return h;
  };
  const holdOf = async ({ dependencies }: ReturnType<typeof worked>) =>
    (await dependencies.holds.current(registration.name)).holds[0];

  test("puts its connection off with one conditional write, and asks nobody", async () => {
    const h = await held(startMs + 30_000);
    expect(await h.work()).toBe("postponed");
    expect(h.requests).toEqual(["read", "postpone"]);
    expect(h.tokenRequests).toHaveLength(0);
    expect(h.stored().failure).toMatchObject({ code: "integration_held", count: 1 });
    expect(refreshAt(h)).toBe(startMs + 30_000 + minuteMs / 2);
  });

  test("does not make a failure of its connections: the run is as long as it was", async () => {
    const failure = {
      code: "provider_error",
      count: 3,
      beganAtMs: startMs - minuteMs,
      lastAtMs: startMs - minuteMs,
      leaseId: "lease-0",
      retryAtMs: undefined,
      providerError: undefined,
      providerErrorDescription: undefined,
    } as const;
    const h = await held(startMs + 30_000, { stored: dueNow({ failure }) });
    await h.work();
    expect(h.stored().failure).toMatchObject({ count: 3, beganAtMs: startMs - minuteMs });
  });

  test("whose time has come lets one through, whose success ends it", async () => {
    const h = await held(startMs);
    expect(await h.work()).toBe("refreshed");
    expect(await holdOf(h)).toBeUndefined();
    expect(h.stored().failure).toBeUndefined();
  });

  test("is probed by one at a time, however late that one's grant began", async () => {
    const lease = { leaseId: "other", leaseExpiresAtMs: startMs + 7_000 };
    const untilMs: number[] = [];
    const h = await held(startMs, {
      stored: dueNow({ lease }),
      registry: { registration: async () => ({ ...registration, rotation: "never" }) },
      results: [
        async () => {
          h.clock.advance(budget.providerTimeoutMs - 1);
          const { untilMs: heldUntilMs = 0 } = (await holdOf(h)) ?? {};
          untilMs.push(heldUntilMs - h.clock.nowMs());
          return granted("rt-1", h.clock.nowMs());
        },
      ],
    });
    expect(await h.work()).toBe("refreshed");
    expect(untilMs[0]).toBeGreaterThan(0);
  });

  test("is probed by one of many, and the others are put off", async () => {
    const h = await held(startMs);
    const others = Array.from({ length: 20 }, (_, n) => `conn_${n + 2}` as typeof connectionId);
    for (const other of others) {
      h.store.put(dueNow({ connectionId: other }), { refreshShard: 1, refreshAtMs: startMs });
    }
    const work = refreshDue({
      ...h.dependencies,
      refreshConnection: refreshConnection(h.dependencies),
    });
    const outcomes = await Promise.all(
      others.map((other) =>
        work(
          { connectionId: other, workspaceId, integration: "acme", refreshAtMs: startMs },
          { remainingMs: () => 25_000 },
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === "refreshed")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "postponed")).toHaveLength(19);
    expect(h.tokenRequests).toHaveLength(1);
  });
});

describe("an integration's own limits", () => {
  const limited = { ...registration, maxPerMinute: 2 };

  test("hold for all workers; what is beyond them is put off, with jitter", async () => {
    const h = worked({ registry: { registration: async () => limited } });
    for (let n = 2; n < 12; n++) {
      h.store.put(dueNow({ connectionId: `conn_${n}` as never }), {
        refreshShard: 1,
        refreshAtMs: startMs,
      });
    }
    const work = refreshDue({
      ...h.dependencies,
      refreshConnection: refreshConnection(h.dependencies),
    });
    const outcomes = [];
    for (let n = 2; n < 12; n++) {
      outcomes.push(
        await work(
          {
            connectionId: `conn_${n}` as never,
            workspaceId,
            integration: "acme",
            refreshAtMs: startMs,
          },
          { remainingMs: () => 25_000 },
        ),
      );
    }
    expect(outcomes.filter((outcome) => outcome === "refreshed")).toHaveLength(2);
    expect(h.tokenRequests).toHaveLength(2);
    expect(h.store.stored("conn_11" as never)?.failure?.code).toBe("provider_rate_limited");
  });

  test("a permit is given back, whatever came of it", async () => {
    const one = { ...registration, maxConcurrent: 1 };
    const h = worked({
      registry: { registration: async () => one },
      results: [{ kind: "timed_out" }, granted("rt-1", startMs)],
    });
    expect(await h.work()).toBe("failed");
    h.clock.advance(10 * minuteMs);
    expect(await h.work()).toBe("refreshed");
  });

  test("a permit lasts as long as the grant it is for, however late that began", async () => {
    const one = { ...registration, maxConcurrent: 1, rotation: "never" as const };
    const limits = limitsInMemory();
    const other = (nowMs: number) => {
      const request = { name: one.name, permitId: "other", maxPerMinute: undefined };
      return limits.acquire({ ...request, maxConcurrent: 1, nowMs, expiresAtMs: nowMs + 1_000 });
    };
    const lease = { leaseId: "other", leaseExpiresAtMs: startMs + 7_000 };
    const seen: Permit[] = [];
    const h = worked({
      stored: dueNow({ lease }),
      registry: { registration: async () => one },
      limits,
      results: [
        async () => {
          h.clock.advance(budget.providerTimeoutMs - 1);
          seen.push(await other(h.clock.nowMs()));
          return granted("rt-1", h.clock.nowMs());
        },
      ],
    });
    expect(await h.work()).toBe("refreshed");
    expect(seen).toMatchObject([{ kind: "busy" }]);
    expect(await other(h.clock.nowMs())).toEqual({ kind: "granted" });
  });

  test("tell a caller of the API when to come again", async () => {
    const h = worked({ registry: { registration: async () => ({ ...limited, maxPerMinute: 1 }) } });
    await h.refresh();
    h.clock.advance(2_000);
    const error = await h.refresh({ force: true }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "provider_rate_limited" });
    expect((error as { retryAfterSeconds: number }).retryAfterSeconds).toBeGreaterThanOrEqual(58);
    expect(h.stored().lease).toBeUndefined();
  });
});

describe("giving up", () => {
  const failure = {
    code: "provider_error",
    count: 90,
    beganAtMs: startMs - 8 * 24 * 60 * minuteMs,
    lastAtMs: startMs - minuteMs,
    leaseId: "lease-0",
    retryAtMs: undefined,
    providerError: undefined,
    providerErrorDescription: undefined,
  } as const;
  const away: TokenResult = { kind: "unavailable", reason: "503", retryAfterMs: undefined };

  test("after seven days of nothing but transient failures past the token's end: error, never expired", async () => {
    const h = worked({
      stored: dueNow({ failure, expiresAtMs: startMs - schedule.giveUpAfterMs }),
      results: [away],
    });
    expect(await h.work()).toBe("failed");
    expect(h.stored()).toMatchObject({ status: "error", refreshAtMs: undefined });
  });

  test("not while the token has ended more recently", async () => {
    const h = worked({
      stored: dueNow({ failure, expiresAtMs: startMs - schedule.giveUpAfterMs + 60 * minuteMs }),
      results: [away],
    });
    await h.work();
    expect(h.stored().status).toBe("active");
    expect(refreshAt(h)).toBeGreaterThan(startMs);
  });

  test.each(["connection_inactive", "misconfigured_integration", "client_rejected"] as const)(
    "not for one transient failure after days of %s",
    async (code) => {
      const h = worked({
        stored: dueNow({ failure: { ...failure, code }, expiresAtMs: failure.beganAtMs }),
        results: [away],
      });
      await h.work();
      expect(h.stored()).toMatchObject({
        status: "active",
        failure: { code: "provider_error", count: 1, beganAtMs: h.clock.nowMs() },
      });
      expect(refreshAt(h)).toBeGreaterThan(startMs);
    },
  );

  test("nor after days in which its client was rejected, and it was put off", async () => {
    const { beganAtMs } = failure;
    const h = worked({ stored: dueNow({ expiresAtMs: beganAtMs }), results: [away] });
    const held = { reason: "client_rejected", untilMs: startMs + minuteMs, count: 600 } as const;
    await h.dependencies.holds.replace(registration.name, undefined, hold({ ...held, beganAtMs }));
    expect(await h.work()).toBe("postponed");
    expect(h.stored().failure?.code).toBe("client_rejected");
    const later = refreshAt(h) ?? 0;
    h.clock.advance(schedule.giveUpAfterMs);
    expect(await h.work(later)).toBe("failed");
    expect(h.stored()).toMatchObject({ status: "active", failure: { code: "provider_error" } });
  });

  test("a refresh that succeeds after all makes the connection well", async () => {
    const h = worked({ stored: dueNow({ status: "error", failure }) });
    await h.refresh();
    expect(h.stored()).toMatchObject({ status: "active", failure: undefined });
    expect(refreshAt(h)).toBeGreaterThan(startMs);
  });
});

test("another process that refreshes the connection is left to it", async () => {
  const lease = { leaseId: "other", leaseExpiresAtMs: startMs + 29_000 };
  const h = worked({ stored: dueNow({ lease }) });
  expect(await h.work()).toBe("out_of_date");
  expect(h.stored().lease).toEqual(lease);
});

test("one integration that is held does not touch another's", async () => {
  const h = worked({});
  const other = "integrations/other" as RegistrationName;
  await h.dependencies.holds.replace(other, undefined, hold({ untilMs: startMs + 3_600_000 }));
  expect(await h.work()).toBe("refreshed");
});
