import type { WorkspaceId } from "../../functions/domain/model/connection.ts";
import type { RefreshErrorCode } from "../../functions/domain/model/errors.ts";
import {
  MisconfiguredRegistration,
  RefreshError,
  StoreUnavailable,
} from "../../functions/domain/model/errors.ts";
import { Secret } from "../../functions/domain/model/secret.ts";
import type { TokenSetCommit } from "../../functions/domain/ports/connection-store.ts";
import { UnreadableCredentials } from "../../functions/domain/ports/token-cipher.ts";
import type { TokenResult } from "../../functions/domain/ports/token-endpoint.ts";
import { manualClock } from "../support/local-aws-clients.ts";
import {
  budget,
  connection,
  granted,
  harness,
  hold,
  plainCipher,
  registration,
  sealed,
  startMs,
  tokenSet,
} from "../support/refresh-harness.ts";

const refusal: TokenResult = {
  kind: "refused",
  providerError: "invalid_grant",
  providerErrorDescription: "Token has been revoked.",
};
const clientRejection: TokenResult = {
  kind: "client_rejected",
  providerError: "invalid_client",
  providerErrorDescription: undefined,
};
const unavailable: TokenResult = {
  kind: "unavailable",
  reason: "connection refused",
  retryAfterMs: undefined,
};

const failsWith = async (call: Promise<unknown>, code: RefreshErrorCode): Promise<RefreshError> => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RefreshError)) throw new Error(`expected a RefreshError, got ${error}`);
  expect(error.code).toBe(code);
  return error;
};

describe("a granted refresh", () => {
  test("stores the rotated token set under the next version and ends the lease", async () => {
    const h = harness();
    await expect(h.refresh()).resolves.toEqual({
      kind: "refreshed",
      connectionId: "conn_1",
      expiresAtMs: startMs + 3_600_000,
    });
    expect(h.storedTokens().refreshToken?.reveal()).toBe("rt-1");
    expect(h.stored()).toMatchObject({
      credentialsVersion: startMs,
      ...{ lease: undefined, status: "active" },
    });
    expect(h.codes()).toEqual(["refresh.refreshed"]);
  });

  test("keeps refresh token, scope and extra members that the answer omits", async () => {
    const stored = connection({
      credentials: sealed(tokenSet("rt-0", { scope: "a b", extra: { instance_url: "https://x" } })),
    });
    const result = granted(undefined, startMs, { tokenType: undefined, extra: { team: "t" } });
    const h = harness({ stored, results: [result] });
    await h.refresh();
    const tokens = h.storedTokens();
    expect(tokens.refreshToken?.reveal()).toBe("rt-0");
    expect(tokens.accessToken.reveal()).toBe("at-of-undefined");
    expect(tokens).toMatchObject({
      scope: "a b",
      tokenType: "Bearer",
      extra: { instance_url: "https://x", team: "t" },
    });
  });

  test("keeps the key that tokens are bound to, or the first one that the grant made", async () => {
    const keyAfter = async (storedKey: string | undefined, madeKey: string | undefined) => {
      const dpopKey = storedKey === undefined ? undefined : new Secret(storedKey);
      const made = madeKey === undefined ? {} : { dpopKey: new Secret(madeKey) };
      const h = harness({
        stored: connection({ credentials: sealed(tokenSet("rt-0", { dpopKey })) }),
        results: [granted("rt-1", startMs, made)],
      });
      await h.refresh();
      expect(h.tokenRequests[0]?.dpopKey?.reveal()).toBe(storedKey);
      return h.storedTokens().dpopKey?.reveal();
    };
    expect(await keyAfter("k-0", undefined)).toBe("k-0");
    expect(await keyAfter(undefined, "k-1")).toBe("k-1");
    expect(await keyAfter(undefined, undefined)).toBeUndefined();
  });

  test("answers null for an expiry that the provider does not state", async () => {
    const h = harness({ results: [granted("rt-1", startMs, { expiresAtMs: undefined })] });
    await expect(h.refresh()).resolves.toMatchObject({ expiresAtMs: undefined });
    expect(h.stored().expiresAtMs).toBeUndefined();
  });

  test("moves the end of an idle refresh token, and never the absolute one", async () => {
    const absoluteMs = startMs + 10 * 86_400_000;
    const stored = connection({
      refreshTokenExpiresAtMs: startMs + 86_400_000,
      refreshTokenAbsoluteExpiresAtMs: absoluteMs,
    });
    const idleFor = (days: number) =>
      granted("rt-1", startMs, { refreshTokenExpiresAtMs: startMs + days * 86_400_000 });
    const h = harness({ stored, results: [idleFor(7), idleFor(14)] });
    await h.refresh();
    expect(h.stored()).toMatchObject({
      refreshTokenExpiresAtMs: startMs + 7 * 86_400_000,
      refreshTokenAbsoluteExpiresAtMs: absoluteMs,
    });
    h.clock.advance(2_000);
    await h.refresh({ force: true });
    expect(h.stored()).toMatchObject({
      refreshTokenExpiresAtMs: absoluteMs,
      refreshTokenAbsoluteExpiresAtMs: absoluteMs,
    });
  });

  test("takes over an absolute end that the provider states", async () => {
    const endMs = startMs + 5 * 86_400_000;
    const result = granted("rt-1", startMs, { refreshTokenAbsoluteExpiresAtMs: endMs });
    const h = harness({ results: [result] });
    await h.refresh();
    expect(h.stored()).toMatchObject({
      refreshTokenExpiresAtMs: endMs,
      refreshTokenAbsoluteExpiresAtMs: endMs,
    });
  });

  test("an access token that renews itself needs no refresh token", async () => {
    const stored = connection({
      credentials: sealed({ ...tokenSet(), refreshToken: undefined, scope: "a" }),
    });
    const renewing = { ...registration, renewsWithAccessToken: true };
    const h = harness({
      stored,
      registry: { registration: async () => renewing },
      results: [granted(undefined, startMs)],
    });
    await expect(h.refresh()).resolves.toMatchObject({ kind: "refreshed" });
    const [asked] = h.tokenRequests;
    expect(asked?.refreshToken).toBeUndefined();
    expect(asked?.accessToken.reveal()).toBe("at-of-rt-0");
    expect(asked?.scope).toBe("a");
  });

  test("without an access token there is none to renew", async () => {
    const credentials = sealed(tokenSet("rt-0", { accessToken: new Secret("") }));
    const renewing = { ...registration, renewsWithAccessToken: true };
    const h = harness({
      stored: connection({ credentials }),
      registry: { registration: async () => renewing },
    });
    await failsWith(h.refresh(), "no_refresh_token");
  });

  test("clears an earlier failure and the status error", async () => {
    const h = harness({
      results: [
        { kind: "unusable", reason: "HTML", serverFailed: false },
        granted("rt-1", startMs),
      ],
    });
    await failsWith(h.refresh(), "provider_error");
    expect(h.stored().failure).toMatchObject({ code: "provider_error", count: 1 });
    h.store.put({ ...h.stored(), status: "error" });
    h.clock.advance(1_000);
    await h.refresh();
    expect(h.stored()).toMatchObject({ failure: undefined, status: "active" });
  });

  test("ten forced refreshes, a second apart, rotate ten times, each with the token before", async () => {
    const h = harness();
    for (let i = 0; i < 10; i++) {
      h.clock.advance(1_000);
      await h.refresh({ force: true });
    }
    expect(h.tokenRequests.map(({ refreshToken }) => refreshToken?.reveal())).toEqual(
      Array.from({ length: 10 }, (_, i) => `rt-${i}`),
    );
    expect(h.stored().credentialsVersion).toBe(startMs + 10_000);
  });

  test("a version is the time, and never the one before", async () => {
    const stored = connection({ credentialsVersion: startMs + 60_000 });
    const h = harness({ stored });
    await h.refresh();
    expect(h.stored().credentialsVersion).toBe(startMs + 60_001);
  });

  test("a forced call right after one that failed has its failure, and asks nobody", async () => {
    const serverError = { kind: "unusable", reason: "500", serverFailed: true } as const;
    const h = harness({ results: [serverError] });
    await failsWith(h.refresh({ force: true }), "provider_error");
    await failsWith(h.refresh({ force: true }), "provider_error");
    expect(h.tokenRequests).toHaveLength(1);
  });

  test("a forced call right after one that was held fails as well", async () => {
    const h = harness();
    await h.dependencies.holds.replace(registration.name, undefined, hold());
    await failsWith(h.refresh({ force: true }), "integration_held");
    await failsWith(h.refresh({ force: true }), "refresh_in_progress");
  });

  test("forced calls in a row refresh once a second", async () => {
    const h = harness();
    const kinds: string[] = [];
    for (let i = 0; i < 10; i++) {
      kinds.push((await h.refresh({ force: true })).kind);
      h.clock.advance(250);
    }
    expect(kinds.filter((kind) => kind === "refreshed")).toHaveLength(3);
  });
});

describe("what spares the provider", () => {
  test("a token that lives for min_ttl_seconds costs one read", async () => {
    const h = harness();
    const outcome = await h.refresh({ minTtlSeconds: 3600 });
    expect(outcome.kind).toBe("still_valid");
    expect(h.tokenRequests).toHaveLength(0);
  });

  test("a token that lives one second less than min_ttl_seconds is refreshed", async () => {
    const h = harness();
    expect((await h.refresh({ minTtlSeconds: 3601 })).kind).toBe("refreshed");
  });

  test("a call within the coalesce window takes the outcome of the refresh before it", async () => {
    const h = harness();
    const first = await h.refresh();
    h.clock.advance(9_999);
    const second = await h.refresh();
    expect(second).toEqual({ ...first, kind: "coalesced" });
    expect(h.tokenRequests).toHaveLength(1);
  });

  test("a call after the coalesce window refreshes again", async () => {
    const h = harness();
    await h.refresh();
    h.clock.advance(10_000);
    expect((await h.refresh()).kind).toBe("refreshed");
  });

  test("a hundred calls of one process share one grant and one expiry", async () => {
    const h = harness();
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => h.refresh()));
    expect(h.tokenRequests).toHaveLength(1);
    expect(new Set(outcomes.map(({ expiresAtMs }) => expiresAtMs)).size).toBe(1);
    expect(outcomes.filter(({ kind }) => kind === "refreshed")).toHaveLength(1);
  });

  test("a hundred forced calls at once share one grant", async () => {
    const h = harness();
    await Promise.all(Array.from({ length: 100 }, () => h.refresh({ force: true })));
    expect(h.tokenRequests).toHaveLength(1);
  });

  test("calls that share a refresh share its failure", async () => {
    const h = harness({ results: [{ kind: "unusable", reason: "HTML", serverFailed: false }] });
    const calls = Array.from({ length: 5 }, () => h.refresh());
    for (const call of calls) await failsWith(call, "provider_error");
    expect(h.tokenRequests).toHaveLength(1);
  });
});

describe("a connection that cannot be refreshed", () => {
  test.each([
    ["inactive", "connection_inactive"],
    ["expired", "reauthorization_required"],
  ] as const)("status %s: %s, without asking the provider", async (status, code) => {
    const h = harness({ stored: connection({ status }) });
    await failsWith(h.refresh(), code);
    await failsWith(h.refresh({ force: true }), code);
    await failsWith(h.refresh({ minTtlSeconds: 60 }), code);
    expect(h.tokenRequests).toHaveLength(0);
  });

  test("of another workspace is answered like one that does not exist", async () => {
    const h = harness();
    const other = { workspaceId: "wsp_2" as WorkspaceId };
    await failsWith(h.refresh(other), "connection_not_found");
    await failsWith(h.refresh({ ...other, minTtlSeconds: 1 }), "connection_not_found");
    expect(h.stored().lease).toBeUndefined();
  });

  test.each([
    ["without credentials", connection({ credentials: undefined })],
    ["without a refresh token", connection({ credentials: sealed(tokenSet("", {})) })],
  ])("%s: no_refresh_token, and the lease is released", async (_, stored) => {
    const h = harness({
      stored,
      cipher: {
        ...plainCipher,
        open: async () => ({
          tokens: { ...tokenSet(), refreshToken: undefined },
          binding: undefined,
          seal: async (tokens) => sealed(tokens),
        }),
      },
    });
    await failsWith(h.refresh(), "no_refresh_token");
    expect(h.stored().lease).toBeUndefined();
  });

  test("whose credentials do not open: internal_error, and it is left as it was", async () => {
    const open = async () => {
      throw new UnreadableCredentials("tampered");
    };
    const h = harness({ cipher: { ...plainCipher, open } });
    const before = h.stored();
    await failsWith(h.refresh(), "internal_error");
    expect(h.stored()).toEqual(before);
    expect(h.codes()).toContain("credentials.unreadable");
  });
});

describe("a refusal", () => {
  test("of the token that is stored now: expired, with the provider's words", async () => {
    const h = harness({ results: [refusal] });
    await failsWith(h.refresh(), "reauthorization_required");
    expect(h.stored()).toMatchObject({
      status: "expired",
      lease: undefined,
      failure: {
        providerError: "invalid_grant",
        providerErrorDescription: "Token has been revoked.",
      },
    });
  });

  test("of a token that was replaced meanwhile: the stored one is the answer", async () => {
    const h = harness({
      results: [
        async () => {
          h.store.put({
            ...h.stored(),
            credentialsVersion: 2,
            credentials: sealed(tokenSet("rt-9")),
          });
          return refusal;
        },
      ],
    });
    expect((await h.refresh()).kind).toBe("coalesced");
    expect(h.stored().status).toBe("active");
  });

  test("that cannot be checked against the store is not believed", async () => {
    const h = harness({ results: [refusal] });
    h.store.recordFailure = async () => {
      throw new StoreUnavailable("DynamoDB");
    };
    await failsWith(h.refresh(), "store_unavailable");
    expect(h.stored().status).toBe("active");
  });
});

describe("a provider that limits how often a refresh token may be used", () => {
  const limited = {
    registry: {
      registration: async () => ({ ...registration, minimumRefreshIntervalSeconds: 600 }),
    },
  };
  const refreshedAgo = (agoMs: number) =>
    connection({ lastRefreshedAtMs: startMs - agoMs, expiresAtMs: startMs + 600_000 });

  test("is not asked again before its interval is over: the last refresh answers", async () => {
    const h = harness({ ...limited, stored: refreshedAgo(599_999) });
    expect(await h.refresh()).toMatchObject({ kind: "coalesced", expiresAtMs: startMs + 600_000 });
    expect(h.tokenRequests).toHaveLength(0);
    expect(h.stored().lease).toBeUndefined();
  });

  test("is asked all the same when the token has ended", async () => {
    const stored = connection({ lastRefreshedAtMs: startMs - 20_000, expiresAtMs: startMs });
    expect((await harness({ ...limited, stored }).refresh()).kind).toBe("refreshed");
  });

  test("is asked when the interval is over, or the caller insists", async () => {
    const later = harness({ ...limited, stored: refreshedAgo(600_000) });
    expect((await later.refresh()).kind).toBe("refreshed");
    const forced = harness({ ...limited, stored: refreshedAgo(20_000) });
    expect((await forced.refresh({ force: true })).kind).toBe("refreshed");
  });
});

describe("a rejected client", () => {
  test("is tried again with the secret that was rotated while cached", async () => {
    let current = registration;
    const h = harness({
      results: [clientRejection, granted("rt-1", startMs)],
      registry: {
        registration: async (_, maxAgeMs) => {
          if (maxAgeMs === 0) current = { ...registration, version: "v2" };
          return current;
        },
      },
    });
    expect((await h.refresh()).kind).toBe("refreshed");
    expect(h.tokenRequests.map(({ registration }) => registration.version)).toEqual(["v1", "v2"]);
  });

  test("leaves the connection active, and the integration free for others", async () => {
    const h = harness({ results: [clientRejection] });
    const error = await failsWith(h.refresh(), "client_rejected");
    expect(error.message).toContain("acme");
    expect(h.stored()).toMatchObject({ status: "active", lease: undefined });
    expect(await h.dependencies.holds.current(registration.name)).toMatchObject({ holds: [] });
  });

  test("is tried again once its secret has changed", async () => {
    let version = "v1";
    const h = harness({
      results: [clientRejection, granted("rt-1", startMs)],
      registry: { registration: async () => ({ ...registration, version }) },
    });
    await failsWith(h.refresh(), "client_rejected");
    version = "v2";
    expect((await h.refresh()).kind).toBe("refreshed");
  });

  test("whose secret cannot be read again is still a rejected client", async () => {
    const h = harness({
      results: [clientRejection],
      registry: {
        registration: async (_, maxAgeMs) => {
          if (maxAgeMs === 0) throw new StoreUnavailable("Secrets Manager");
          return registration;
        },
      },
    });
    await failsWith(h.refresh(), "client_rejected");
  });
});

describe("a registration that cannot be used", () => {
  test("is said of the integration, and the lease is released", async () => {
    const h = harness({
      registry: {
        registration: async () => {
          throw new MisconfiguredRegistration("client_id is missing");
        },
      },
    });
    const error = await failsWith(h.refresh(), "misconfigured_integration");
    expect(error.message).toContain("client_id is missing");
    expect(h.stored()).toEqual(connection({ credentials: h.stored().credentials }));
  });

  test("because of its endpoint is said of the integration too", async () => {
    const h = harness({ results: [{ kind: "misconfigured", reason: "not https" }] });
    const error = await failsWith(h.refresh(), "misconfigured_integration");
    expect(error.integration).toBe("acme");
    expect(h.stored().status).toBe("active");
  });
});

describe("a definite failure", () => {
  test("is tried again within the budget, with jitter", async () => {
    const h = harness({ results: [unavailable, unavailable, granted("rt-1", startMs)] });
    expect((await h.refresh()).kind).toBe("refreshed");
    expect(h.codes()).toEqual([
      "token_request.retried",
      "token_request.retried",
      "refresh.refreshed",
    ]);
    expect(h.clock.nowMs()).toBeGreaterThan(startMs);
  });

  test("is not tried for ever", async () => {
    const h = harness({ results: [unavailable] });
    const error = await failsWith(h.refresh(), "provider_error");
    expect(error.retryAfterSeconds).toBe(5);
    expect(h.tokenRequests).toHaveLength(3);
    expect(h.stored()).toMatchObject({ status: "active", lease: undefined });
  });

  test("waits as long as Retry-After says, where that fits", async () => {
    const busy = { ...unavailable, retryAfterMs: 2_000 };
    const h = harness({ results: [busy, granted("rt-1", startMs)] });
    await h.refresh();
    expect(h.clock.nowMs() - startMs).toBeGreaterThanOrEqual(2_000);
  });

  test.each([undefined, 100, 2_000])(
    "that is a rate limit is never tried again in the call: Retry-After %s",
    async (retryAfterMs) => {
      const h = harness({ results: [{ kind: "rate_limited", retryAfterMs }] });
      await failsWith(h.refresh(), "provider_rate_limited");
      expect(h.tokenRequests).toHaveLength(1);
      // Until the provider may be asked again, the stored failure is the outcome.
      await failsWith(h.refresh(), "provider_rate_limited");
      expect(h.tokenRequests).toHaveLength(1);
      h.clock.advance(Math.max(retryAfterMs ?? 5_000, 1_000));
      await failsWith(h.refresh(), "provider_rate_limited");
      expect(h.tokenRequests).toHaveLength(2);
    },
  );

  test("with a Retry-After beyond the budget is passed on", async () => {
    const h = harness({ results: [{ kind: "rate_limited", retryAfterMs: 60_000 }] });
    const error = await failsWith(h.refresh(), "provider_rate_limited");
    expect(error.retryAfterSeconds).toBe(60);
    expect(h.tokenRequests).toHaveLength(1);
  });
});

describe("an ambiguous failure", () => {
  test.each([
    [{ kind: "timed_out" }, "provider_timeout"],
    [{ kind: "broken_off", reason: "connection reset" }, "provider_error"],
    [{ kind: "unusable", reason: "status 500", serverFailed: true }, "provider_error"],
  ] as const)("%j is not sent again: %s", async (result, code) => {
    const h = harness({ results: [result] });
    await failsWith(h.refresh(), code);
    expect(h.tokenRequests).toHaveLength(1);
    expect(h.stored().status).toBe("active");
  });

  test.each([
    { kind: "broken_off", reason: "connection reset" },
    { kind: "unusable", reason: "status 502", serverFailed: true, mayHaveRotated: true },
    { kind: "unusable", reason: "status 200", serverFailed: false, mayHaveRotated: true },
  ] as const)(
    "%j keeps its lease, and callers get the failure until it may be retried",
    async (result) => {
      const h = harness({ results: [result, granted("rt-1", startMs)] });
      await failsWith(h.refresh(), "provider_error");
      expect(h.stored().lease?.leaseExpiresAtMs).toBe(startMs + budget.leaseMs);
      expect((await failsWith(h.refresh(), "provider_error")).retryAfterSeconds).toBe(5);
      expect(h.tokenRequests).toHaveLength(1);
    },
  );

  test("a success that cannot be read is presented again to a strict provider at the token's end alone", async () => {
    const result = {
      kind: "unusable",
      reason: "200",
      serverFailed: false,
      mayHaveRotated: true,
    } as const;
    const h = harness({
      results: [result],
      registry: { registration: async () => ({ ...registration, rotation: "always" }) },
    });
    await failsWith(h.refresh(), "provider_error");
    expect(h.stored().failure?.retryAtMs).toBe(startMs + 3_600_000);
  });

  test("a timeout keeps others away until the lease ends, and then the same token is tried", async () => {
    const h = harness({
      results: [
        async () => {
          h.clock.advance(budget.providerTimeoutMs);
          return { kind: "timed_out" };
        },
        granted("rt-1", startMs),
      ],
    });
    await failsWith(h.refresh(), "provider_timeout");
    const endOfLeaseMs = startMs + budget.leaseMs;
    expect(h.stored().lease?.leaseExpiresAtMs).toBe(endOfLeaseMs);
    const error = await failsWith(h.refresh(), "provider_timeout");
    expect(error.retryAfterSeconds).toBe(5);
    h.clock.advance(5_000);
    expect((await h.refresh()).kind).toBe("refreshed");
    expect(h.clock.nowMs()).toBeGreaterThanOrEqual(endOfLeaseMs);
    expect(h.tokenRequests.map(({ refreshToken }) => refreshToken?.reveal())).toEqual([
      "rt-0",
      "rt-0",
    ]);
  });
});

describe("the budget", () => {
  test("a grant is not begun in an invocation that could not finish it", async () => {
    const h = harness();
    const invocation = { remainingMs: () => budget.providerTimeoutMs + budget.commitReserveMs - 1 };
    await failsWith(h.refresh({ invocation }), "refresh_in_progress");
    expect(h.tokenRequests).toHaveLength(0);
  });

  test("a process frozen between lease and grant sends nothing", async () => {
    const h = harness({
      registry: {
        registration: async () => {
          h.clock.advance(budget.leaseMs);
          return registration;
        },
      },
    });
    const invocation = { remainingMs: () => 600_000 };
    await failsWith(h.refresh({ invocation }), "refresh_in_progress");
    expect(h.tokenRequests).toHaveLength(0);
    expect(h.codes()).toContain("lease.lost");
  });
});

describe("the commit", () => {
  const failingCommit = (h: ReturnType<typeof harness>, failures: number, error: Error) => {
    const { commit } = h.store;
    let calls = 0;
    h.store.commit = async (...request) => {
      calls++;
      if (calls <= failures) throw error;
      return commit(...request);
    };
    return () => calls;
  };

  test("is tried again while the store is unavailable", async () => {
    const h = harness();
    const calls = failingCommit(h, 4, new StoreUnavailable("DynamoDB"));
    expect((await h.refresh()).kind).toBe("refreshed");
    expect(calls()).toBe(5);
    expect(h.storedTokens().refreshToken?.reveal()).toBe("rt-1");
  });

  test("that is prompt is on no other queue", async () => {
    const h = harness();
    failingCommit(h, 1, new StoreUnavailable("DynamoDB"));
    expect((await h.refresh()).kind).toBe("refreshed");
    expect(h.rescued).toEqual([]);
  });

  test("that is not prompt is on the rescue queue meanwhile, in case the process is killed", async () => {
    const clock = manualClock(startMs);
    const kept = Promise.withResolvers<TokenSetCommit>();
    const h = harness({ clock, rescueQueue: { keep: async (commit) => kept.resolve(commit) } });
    const { commit } = h.store;
    h.store.commit = async (...request) => {
      await kept.promise;
      return commit(...request);
    };
    const refreshing = h.refresh();
    await clock.asleep(2);
    clock.advance(300);
    expect((await refreshing).kind).toBe("refreshed");
    expect((await kept.promise).credentials).toBe(h.stored().credentials);
    expect(h.codes()).toEqual(["refresh.refreshed"]);
  });

  test("that fails for as long as the invocation lives goes to the rescue queue", async () => {
    const h = harness();
    failingCommit(h, Number.POSITIVE_INFINITY, new StoreUnavailable("DynamoDB"));
    await failsWith(h.refresh(), "store_unavailable");
    expect(h.rescued).toMatchObject([{ expectedVersion: 1, connectionId: "conn_1" }]);
    expect(h.clock.nowMs() - startMs).toBeLessThan(budget.functionTimeoutMs);
    expect(h.codes()).toContain("commit.rescued");
  });

  test("that fails for a reason that will not pass is rescued at once", async () => {
    const h = harness();
    const calls = failingCommit(h, 1, new Error("item too large"));
    await failsWith(h.refresh(), "store_unavailable");
    expect(calls()).toBe(1);
    expect(h.rescued).toHaveLength(1);
  });

  test("that is not answered is rescued before the invocation ends", async () => {
    const h = harness();
    h.store.commit = () => new Promise(() => {});
    await failsWith(h.refresh(), "store_unavailable");
    expect(h.rescued).toHaveLength(1);
    expect(h.clock.nowMs() - startMs).toBe(budget.functionTimeoutMs - budget.answerReserveMs);
  });

  test("whose rescue fails too is written to the telemetry, whole", async () => {
    const keep = async () => {
      throw new Error("no queue");
    };
    const h = harness({ rescueQueue: { keep } });
    failingCommit(h, Number.POSITIVE_INFINITY, new StoreUnavailable("DynamoDB"));
    await failsWith(h.refresh(), "store_unavailable");
    expect(h.events.at(-1)).toMatchObject({
      code: "commit.last_resort",
      commit: { connectionId: "conn_1", expectedVersion: 1, credentials: expect.any(String) },
    });
  });

  test("of a holder whose lease ran out is made all the same while the version stands", async () => {
    const h = harness({
      results: [
        async () => {
          h.clock.advance(budget.leaseMs + 1);
          return granted("rt-1", h.clock.nowMs());
        },
      ],
    });
    expect((await h.refresh()).kind).toBe("refreshed");
    expect(h.storedTokens().refreshToken?.reveal()).toBe("rt-1");
  });

  test("of a holder whose version moved on is dropped for what is stored, and kept as ciphertext", async () => {
    const h = harness({
      results: [
        async () => {
          const credentials = sealed(tokenSet("rt-new"));
          h.store.put({ ...h.stored(), credentialsVersion: 2, credentials, expiresAtMs: 42_000 });
          return granted("rt-late", startMs);
        },
      ],
    });
    await expect(h.refresh()).resolves.toMatchObject({ kind: "coalesced", expiresAtMs: 42_000 });
    expect(h.storedTokens().refreshToken?.reveal()).toBe("rt-new");
    expect(h.codes()).toContain("commit.superseded");
  });

  test("of a connection that was deleted meanwhile: not found", async () => {
    const h = harness();
    h.store.commit = async () => ({ kind: "absent" });
    await failsWith(h.refresh(), "connection_not_found");
  });
});

test("a connection that is declined for no reason that shows is asked for a few times, and given up", async () => {
  const h = harness();
  let asked = 0;
  h.store.acquireLease = async () => {
    asked++;
    return { kind: "declined", connection: h.stored() };
  };
  await failsWith(h.refresh(), "refresh_in_progress");
  expect(asked).toBeLessThan(15);
  expect(h.tokenRequests).toEqual([]);
});

describe("someone else's lease", () => {
  const held = connection({
    lease: { leaseId: "other", leaseExpiresAtMs: startMs + budget.leaseMs },
  });

  /** Does `change` to the stored connection on the n-th read after the call. */
  const onRead = (h: ReturnType<typeof harness>, n: number, change: () => void) => {
    const { read } = h.store;
    let reads = 0;
    h.store.read = async (key) => {
      if (++reads === n) change();
      return read(key);
    };
  };

  test("that ends in a commit answers with what it committed", async () => {
    const h = harness({ stored: held });
    onRead(h, 3, () =>
      h.store.put({ ...h.stored(), credentialsVersion: 2, expiresAtMs: 7_000, lease: undefined }),
    );
    await expect(h.refresh()).resolves.toMatchObject({ kind: "coalesced", expiresAtMs: 7_000 });
    expect(h.tokenRequests).toHaveLength(0);
  });

  test("that ends in a failure answers with that failure, and asks nobody", async () => {
    const h = harness({ stored: held });
    onRead(h, 2, () =>
      h.store.put({
        ...h.stored(),
        lease: undefined,
        failure: {
          code: "provider_rate_limited",
          count: 1,
          beganAtMs: startMs,
          lastAtMs: startMs,
          leaseId: "other",
          retryAtMs: startMs + 30_000,
          providerError: undefined,
          providerErrorDescription: undefined,
        },
      }),
    );
    const error = await failsWith(h.refresh(), "provider_rate_limited");
    expect(error.retryAfterSeconds).toBeGreaterThan(25);
    expect(h.tokenRequests).toHaveLength(0);
  });

  test("whose holder died is taken over once a rescue would have been there", async () => {
    const soon = { leaseId: "other", leaseExpiresAtMs: startMs + 3_000 };
    const h = harness({ stored: connection({ lease: soon }) });
    const error = await failsWith(h.refresh(), "refresh_in_progress");
    const turnMs = startMs + 3_000 + 5_000 + 10_000 + 5_000;
    expect(h.stored().takeOver).toEqual({ leaseId: "other", atMs: turnMs });
    expect(h.clock.nowMs() + (error.retryAfterSeconds ?? 0) * 1000).toBeGreaterThanOrEqual(turnMs);
    h.clock.advance(turnMs - 1 - h.clock.nowMs());
    await failsWith(h.refresh(), "refresh_in_progress");
    h.clock.advance(1);
    expect((await h.refresh()).kind).toBe("refreshed");
    expect(h.stored()).toMatchObject({ lease: undefined, takeOver: undefined });
  });

  test("whose holder died is taken over as soon as it has ended, where the provider never rotates", async () => {
    const soon = { leaseId: "other", leaseExpiresAtMs: startMs + 3_000 };
    const registry = {
      registration: async () => ({ ...registration, rotation: "never" as const }),
    };
    const h = harness({ stored: connection({ lease: soon }), registry });
    expect((await h.refresh()).kind).toBe("refreshed");
    expect(h.clock.nowMs() - startMs).toBeLessThan(5_000);
  });

  test("that outlasts the caller's time: refresh_in_progress, never a refresh anyway", async () => {
    const h = harness({ stored: held });
    const error = await failsWith(h.refresh({ force: true }), "refresh_in_progress");
    expect(error.retryAfterSeconds).toBeGreaterThan(0);
    expect(h.tokenRequests).toHaveLength(0);
    expect(h.stored().lease?.leaseId).toBe("other");
  });

  test("is followed through reads that fail", async () => {
    const h = harness({ stored: held });
    const { read } = h.store;
    let reads = 0;
    h.store.read = async (key) => {
      if (++reads < 4) throw new StoreUnavailable("DynamoDB");
      h.store.put({ ...h.stored(), credentialsVersion: 2, lease: undefined });
      return read(key);
    };
    expect((await h.refresh()).kind).toBe("coalesced");
  });
});

test("a store that does not answer: store_unavailable", async () => {
  const h = harness();
  h.store.acquireLease = async () => {
    throw new StoreUnavailable("DynamoDB");
  };
  await failsWith(h.refresh(), "store_unavailable");
});

test("a lease that cannot be released is told, and costs nothing else", async () => {
  const h = harness({ stored: connection({ credentials: undefined }) });
  h.store.releaseLease = async () => {
    throw new StoreUnavailable("DynamoDB");
  };
  await failsWith(h.refresh(), "no_refresh_token");
  expect(h.codes()).toContain("lease.unreleased");
});

test("a failure that cannot be recorded is still the caller's answer", async () => {
  const h = harness({ results: [{ kind: "unusable", reason: "HTML", serverFailed: false }] });
  h.store.recordFailure = async () => {
    throw new StoreUnavailable("DynamoDB");
  };
  await failsWith(h.refresh(), "provider_error");
  expect(h.codes()).toContain("failure.unrecorded");
});
