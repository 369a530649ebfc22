import type { Connection } from "../../functions/domain/model/connection.ts";
import { StoreUnavailable } from "../../functions/domain/model/errors.ts";
import type { TokenSetCommit } from "../../functions/domain/ports/connection-store.ts";
import type { RefreshEvent } from "../../functions/domain/ports/events.ts";
import { UnreadableCredentials } from "../../functions/domain/ports/token-cipher.ts";
import { type RescueDependencies, rescueTokens } from "../../functions/domain/rescue.ts";
import { inMemoryConnectionStore } from "../support/in-memory-connection-store.ts";
import {
  connection,
  connectionId,
  plainCipher,
  sealed,
  startMs,
  tokenSet,
  workspaceId,
} from "../support/refresh-harness.ts";

const commit = (changes: Partial<TokenSetCommit> = {}): TokenSetCommit => ({
  ...{ connectionId, workspaceId, expectedVersion: 1, version: 2 },
  credentials: sealed(tokenSet("rt-rescued")),
  expiresAtMs: startMs + 7_200_000,
  refreshTokenExpiresAtMs: undefined,
  refreshTokenAbsoluteExpiresAtMs: undefined,
  committedAtMs: startMs,
  status: "active",
  due: { refreshAtMs: startMs + 6_000_000, refreshShard: 3 },
  ...changes,
});

function bench(
  stored: Connection = connection(),
  cipher: RescueDependencies["cipher"] = plainCipher,
) {
  const store = inMemoryConnectionStore({ connections: [stored] });
  const events: RefreshEvent[] = [];
  const telemetry = { emit: (event: RefreshEvent) => void events.push(event) };
  const rescue = rescueTokens({
    ...{ store, cipher, telemetry, clock: { nowMs: () => startMs } },
    newLeaseId: () => "lease-of-rescue",
  });
  return { store, events, rescue };
}

test("a rescued token set is committed, with its place in the schedule", async () => {
  const { store, events, rescue } = bench();
  const rescued = commit();
  expect(await rescue(rescued)).toBe("done");
  expect(store.stored(connectionId)).toMatchObject({
    credentials: rescued.credentials,
    credentialsVersion: 2,
    expiresAtMs: startMs + 7_200_000,
  });
  expect(store.due(connectionId)).toEqual(rescued.due);
  expect(events).toEqual([{ code: "rescue.committed", connectionId, workspaceId, version: 2 }]);
});

test("a connection that was declared dead meanwhile, its old token refused, is well again", async () => {
  const { store, rescue } = bench(connection({ status: "expired" }));
  await rescue(commit());
  expect(store.stored(connectionId)).toMatchObject({ status: "active", failure: undefined });
});

test("one that comes twice is committed once", async () => {
  const { store, events, rescue } = bench();
  const rescued = commit();
  expect([await rescue(rescued), await rescue(rescued)]).toEqual(["done", "done"]);
  expect(store.stored(connectionId)).toMatchObject({ credentialsVersion: 2, lease: undefined });
  expect(events.map(({ code }) => code)).toEqual(["rescue.committed", "rescue.committed"]);
});

test("one that another token set has overtaken is kept as ciphertext, and changes nothing", async () => {
  const newer = connection({ credentialsVersion: 2 });
  const { store, events, rescue } = bench(newer);
  const rescued = commit();
  expect(await rescue(rescued)).toBe("superseded");
  expect(store.stored(connectionId)).toEqual(newer);
  const { credentials, expectedVersion } = rescued;
  expect(events).toEqual([
    { code: "rescue.superseded", connectionId, workspaceId, expectedVersion, credentials },
  ]);
});

test.each([
  ["is gone", commit({ connectionId: "conn_gone" as typeof connectionId })],
  ["is another workspace's", commit({ workspaceId: "wsp_2" as typeof workspaceId })],
])("one whose connection %s is dropped, and told", async (_, rescued) => {
  const { store, events, rescue } = bench();
  expect(await rescue(rescued)).toBe("absent");
  expect(events).toMatchObject([{ code: "rescue.absent" }]);
  expect(JSON.stringify(events)).not.toContain("rt-rescued");
  expect(store.stored(connectionId)?.credentialsVersion).toBe(1);
});

describe("a connection that somebody refreshes", () => {
  const leased = (leaseExpiresAtMs: number) =>
    connection({ lease: { leaseId: "lease-of-another", leaseExpiresAtMs } });

  test("is theirs until they are done: their token set may be the newer one", async () => {
    const stored = leased(startMs + 1);
    const { store, events, rescue } = bench(stored);
    await expect(rescue(commit())).rejects.toMatchObject({ code: "refresh_in_progress" });
    expect(store.stored(connectionId)).toEqual(stored);
    expect(events).toEqual([]);
  });

  test("is rescued when their lease has run out", async () => {
    const { store, rescue } = bench(leased(startMs));
    expect(await rescue(commit())).toBe("done");
    expect(store.stored(connectionId)).toMatchObject({ credentialsVersion: 2, lease: undefined });
  });

  test("cannot be so while it is rescued", async () => {
    const { store, rescue } = bench();
    const { commit: commitTo } = store;
    let declined: string | undefined;
    store.commit = async (...request) => {
      const [leaseId, nowMs] = ["lease-of-another", startMs + 9_999];
      const lease = { leaseId, leaseExpiresAtMs: nowMs + 20_000 };
      const asked = { connectionId, workspaceId, ...lease, nowMs, refreshedBeforeMs: undefined };
      declined = (await store.acquireLease(asked)).kind;
      return commitTo(...request);
    };
    expect(await rescue(commit())).toBe("done");
    expect(declined).toBe("declined");
  });
});

describe("a token set that this service has not sealed for that place", () => {
  const forged = {
    verify: () => Promise.reject(new UnreadableCredentials("another connection's")),
  };

  test("is refused, kept as ciphertext, and replaces nothing", async () => {
    const stored = connection();
    const { store, events, rescue } = bench(stored, forged);
    const { credentials, ...message } = commit();
    expect(await rescue({ ...message, credentials })).toBe("refused");
    expect(store.stored(connectionId)).toEqual(stored);
    expect(events).toEqual([
      {
        code: "rescue.refused",
        ...{ connectionId, workspaceId, credentials },
        cause: expect.any(UnreadableCredentials),
      },
    ]);
  });

  test("is one whose version does not follow the expected one", async () => {
    const { store, rescue } = bench(connection({ credentialsVersion: 7 }));
    expect(await rescue(commit({ expectedVersion: 7, version: 7 }))).toBe("refused");
    expect(store.stored(connectionId)?.credentialsVersion).toBe(7);
  });

  test("is opened in its own place", async () => {
    const verify = jest.fn(async () => undefined);
    const { rescue } = bench(connection(), { verify });
    const message = commit({ version: 5 });
    await rescue(message);
    const place = { connectionId, workspaceId, version: 5 };
    expect(verify.mock.calls).toEqual([[message.credentials, place]]);
  });

  test("is not told from a genuine one while KMS does not respond: the message comes again", async () => {
    const silent = { verify: () => Promise.reject(new StoreUnavailable("KMS")) };
    const { store, events, rescue } = bench(connection(), silent);
    await expect(rescue(commit())).rejects.toThrow(StoreUnavailable);
    expect(store.stored(connectionId)?.lease).toBeUndefined();
    expect(events).toEqual([]);
  });
});

test("while the store is unavailable nothing is told, and the token set is not done", async () => {
  const { store, events, rescue } = bench();
  store.commit = () => Promise.reject(new StoreUnavailable("the store"));
  await expect(rescue(commit())).rejects.toBeInstanceOf(StoreUnavailable);
  expect(events).toEqual([]);
});
