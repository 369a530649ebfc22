import type { Failure } from "../../../functions/domain/model/connection.ts";
import type { RefreshErrorCode } from "../../../functions/domain/model/errors.ts";
import { StoreUnavailable } from "../../../functions/domain/model/errors.ts";
import { Secret } from "../../../functions/domain/model/secret.ts";
import type { TokenResult } from "../../../functions/domain/ports/token-endpoint.ts";
import { dueAt } from "../../../functions/domain/schedule/due.ts";
import {
  budget,
  connection,
  connectionId,
  granted,
  harness,
  opened,
  startMs,
} from "../../support/refresh-harness.ts";

/** A new refresh token without an access token. */
const rotated = (refreshToken: string): TokenResult => ({
  kind: "rotated",
  refreshToken: new Secret(refreshToken),
  reason: "expected tokens, got a refresh token without an access token",
});
const failureAt = (atMs: number): Omit<Failure, "leaseId"> => ({
  ...{ code: "provider_error", count: 1, beganAtMs: atMs, lastAtMs: atMs, retryAtMs: undefined },
  ...{ providerError: undefined, providerErrorDescription: undefined },
});
const failsWith = (call: Promise<unknown>, code: RefreshErrorCode) =>
  expect(call).rejects.toMatchObject({ name: "RefreshError", code });

test("is stored in place of the one that was sent, with the failure that it is", async () => {
  const before = connection();
  const h = harness({ stored: before, results: [rotated("rt-1")] });
  const { accessToken } = h.storedTokens();
  await failsWith(h.refresh(), "provider_error");
  expect(h.storedTokens().refreshToken?.reveal()).toBe("rt-1");
  expect(h.storedTokens().accessToken.reveal()).toBe(accessToken.reveal());
  const { expiresAtMs, lastRefreshedAtMs, status } = before;
  expect(h.stored()).toMatchObject({
    ...{ expiresAtMs, lastRefreshedAtMs, status, lease: undefined },
    credentialsVersion: startMs,
    failure: { code: "provider_error", count: 1, leaseId: "lease-1" },
  });
  expect(h.codes()).toEqual(["refresh.failed"]);
});

test("is sent by the next call, which no coalesce window answers", async () => {
  const h = harness({ results: [rotated("rt-1"), granted("rt-2", startMs)] });
  await failsWith(h.refresh(), "provider_error");
  h.clock.advance(1_000);
  expect((await h.refresh()).kind).toBe("refreshed");
  expect(h.tokenRequests.map(({ refreshToken }) => refreshToken?.reveal())).toEqual([
    "rt-0",
    "rt-1",
  ]);
  expect(h.stored()).toMatchObject({ failure: undefined, status: "active" });
});

test("puts the connection off, and further when it comes again", async () => {
  const h = harness({ results: [rotated("rt-1"), rotated("rt-2")] });
  const ended = { ...h.stored(), expiresAtMs: startMs };
  h.store.put(ended, dueAt(connectionId, startMs));
  const delaysSeconds: number[] = [];
  for (let i = 0; i < 2; i++) {
    await failsWith(h.refresh({ force: true }), "provider_error");
    const { refreshAtMs = 0, failure } = h.stored();
    // An index entry has whole seconds.
    delaysSeconds.push(Math.ceil((refreshAtMs - (failure?.lastAtMs ?? 0)) / 1000));
    h.clock.advance(60_000);
  }
  // Half of one and of two minutes.
  expect(delaysSeconds).toEqual([30, 60]);
  expect(h.stored().failure).toMatchObject({ count: 2 });
});

test("leaves a connection out of the schedule that was not in it", async () => {
  const h = harness({ results: [rotated("rt-1")] });
  await failsWith(h.refresh(), "provider_error");
  expect(h.store.due(connectionId)).toBeUndefined();
});

test("is the same failure for who follows the lease", async () => {
  const lease = { leaseId: "lease-b", leaseExpiresAtMs: startMs + budget.leaseMs };
  const h = harness({ stored: connection({ lease }) });
  const { read } = h.store;
  h.store.read = async (key) => {
    const failure = { ...failureAt(startMs), leaseId: lease.leaseId };
    h.store.put({ ...h.stored(), credentialsVersion: 2, lease: undefined, failure });
    return read(key);
  };
  await failsWith(h.refresh(), "provider_error");
  expect(h.tokenRequests).toHaveLength(0);
});

test("goes to the rescue queue where the store does not take it", async () => {
  const h = harness({ results: [rotated("rt-1")] });
  h.store.commit = async () => {
    throw new StoreUnavailable("DynamoDB");
  };
  await failsWith(h.refresh(), "store_unavailable");
  const [rescued] = h.rescued;
  expect(rescued && opened(rescued.credentials).refreshToken?.reveal()).toBe("rt-1");
});

test("gives way to what was committed meanwhile", async () => {
  const h = harness({
    results: [
      async () => {
        h.store.put({ ...h.stored(), credentialsVersion: 9, expiresAtMs: startMs + 7_200_000 });
        return rotated("rt-late");
      },
    ],
  });
  const outcome = await h.refresh();
  expect(outcome).toMatchObject({ kind: "coalesced", expiresAtMs: startMs + 7_200_000 });
  expect(h.storedTokens().refreshToken?.reveal()).toBe("rt-0");
  expect(h.codes()).toContain("commit.superseded");
});
