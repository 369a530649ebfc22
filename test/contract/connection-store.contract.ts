import type {
  Connection,
  ConnectionId,
  ConnectionKey,
  ConnectionStatus,
  Failure,
  RegistrationName,
  SealedTokenSet,
  WorkspaceId,
} from "../../functions/domain/model/connection.ts";
import type {
  ConnectionStore,
  Due,
  FailureRecord,
  LeaseRequest,
  Postponement,
  TokenSetCommit,
} from "../../functions/domain/ports/connection-store.ts";

/** A store under test, and a way past it. */
export interface StoreUnderTest {
  readonly store: ConnectionStore;
  /** Writes a connection as it is told, whatever was there. */
  put(connection: Connection, due?: Due): Promise<void>;
  /** The connection's place in the schedule. */
  due(key: ConnectionKey): Promise<Due | undefined>;
  close(): Promise<void>;
}

const workspaceId = "wsp_1" as WorkspaceId;
const foreign = "wsp_2" as WorkspaceId;
/** A packed JWE, as base64url: stores may hold its bytes. */
const packed = (serial: string): SealedTokenSet =>
  Buffer.from([2, 0, ...Buffer.from(serial)]).toString("base64url") as SealedTokenSet;
const jwe = (serial: string): SealedTokenSet => `jwe.of.${serial}` as SealedTokenSet;

let serial = 0;
const newUniqueId = (): ConnectionId =>
  `conn_${process.pid}_${Date.now()}_${++serial}` as ConnectionId;

export interface ContractOptions {
  /** The time of the tests, epoch milliseconds. @default noon of 1 January 2026 */
  readonly nowMs?: number;
  /** Returns an id under which nothing is stored. @default an id that is unique across runs */
  readonly newId?: () => ConnectionId;
}

/** The behaviour that every ConnectionStore has. */
export function connectionStoreContract(
  name: string,
  start: () => Promise<StoreUnderTest>,
  { nowMs = Date.UTC(2026, 0, 1, 12), newId = newUniqueId }: ContractOptions = {},
): void {
  describe(`connection store: ${name}`, () => {
    let tested: StoreUnderTest;
    let store: ConnectionStore;
    beforeAll(async () => {
      tested = await start();
      store = tested.store;
    });
    afterAll(() => tested.close());

    /** A connection with everything set that may be unset. */
    const whole = (changes: Partial<Connection> = {}): Connection => ({
      connectionId: newId(),
      workspaceId,
      integration: "acme",
      registrationName: "integrations/acme" as RegistrationName,
      status: "active",
      config: { subdomain: "eu", region: "1" },
      credentials: jwe("first"),
      credentialsVersion: 3,
      expiresAtMs: nowMs + 3_600_000,
      assumedExpiresAtMs: undefined,
      refreshTokenExpiresAtMs: nowMs + 86_400_000,
      refreshTokenAbsoluteExpiresAtMs: nowMs + 864_000_000,
      lease: undefined,
      takeOver: undefined,
      lastRefreshedAtMs: nowMs - 3_600_123,
      lastForcedAtMs: undefined,
      refreshAtMs: undefined,
      failure: undefined,
      ...changes,
    });
    const put = async (changes: Partial<Connection> = {}, due?: Due): Promise<Connection> => {
      const connection = whole({ refreshAtMs: due?.refreshAtMs, ...changes });
      await tested.put(connection, due);
      return connection;
    };
    const stored = async (connection: ConnectionKey): Promise<Connection> => {
      const found = await store.read(connection);
      if (found === undefined) throw new Error("the connection is gone");
      return found;
    };
    const leaseRequest = (
      { connectionId }: ConnectionKey,
      changes: Partial<LeaseRequest> = {},
    ): LeaseRequest => ({
      connectionId,
      workspaceId,
      leaseId: "lease-a",
      leaseExpiresAtMs: nowMs + 20_000,
      nowMs,
      refreshedBeforeMs: nowMs - 10_000,
      ...changes,
    });
    const commitOf = (
      { connectionId, credentialsVersion }: Connection,
      changes: Partial<TokenSetCommit> = {},
    ): TokenSetCommit => ({
      connectionId,
      workspaceId,
      expectedVersion: credentialsVersion,
      version: credentialsVersion + 1,
      credentials: jwe("second"),
      expiresAtMs: nowMs + 7_200_000,
      refreshTokenExpiresAtMs: nowMs + 172_800_000,
      refreshTokenAbsoluteExpiresAtMs: nowMs + 900_000_000,
      committedAtMs: nowMs + 1_234,
      status: "active",
      due: { refreshShard: 7, refreshAtMs: nowMs + 6_000_000 },
      ...changes,
    });
    const committer = { leaseId: "lease-a", nowMs };
    const failure: Failure = {
      code: "provider_error",
      count: 2,
      beganAtMs: nowMs - 60_001,
      lastAtMs: nowMs + 2,
      leaseId: "lease-a",
      retryAtMs: nowMs + 5_002,
      providerError: "server_error",
      providerErrorDescription: "try later",
    };
    const failureOf = (
      { connectionId, credentialsVersion }: Connection,
      changes: Partial<FailureRecord> = {},
    ): FailureRecord => ({
      connectionId,
      workspaceId,
      leaseId: "lease-a",
      expectedVersion: credentialsVersion,
      failure,
      status: undefined,
      keepLease: false,
      schedule: "unchanged",
      ...changes,
    });
    const held = (leaseId = "lease-a") => ({
      lease: { leaseId, leaseExpiresAtMs: nowMs + 20_000 },
    });

    describe("read", () => {
      test("gives back all that was stored", async () => {
        const connection = await put({ ...held(), failure });
        expect(await store.read(connection)).toEqual(connection);
      });
      test("gives back what is unset as undefined", async () => {
        const connection = await put({
          config: {},
          credentials: undefined,
          credentialsVersion: 0,
          expiresAtMs: undefined,
          refreshTokenExpiresAtMs: undefined,
          refreshTokenAbsoluteExpiresAtMs: undefined,
          lastRefreshedAtMs: undefined,
          failure: {
            ...failure,
            retryAtMs: undefined,
            providerError: undefined,
            providerErrorDescription: undefined,
          },
        });
        expect(await store.read(connection)).toEqual(connection);
      });
      test("knows a registration of the connection's own", async () => {
        const registrationName = "workspaces/wsp_1/acme" as RegistrationName;
        const connection = await put({ registrationName });
        expect(await stored(connection)).toMatchObject({ registrationName });
      });
      test("finds nothing under another name or in another workspace", async () => {
        const connection = await put();
        expect(await store.read({ connectionId: newId(), workspaceId })).toBeUndefined();
        expect(await store.read({ ...connection, workspaceId: foreign })).toBeUndefined();
      });
    });

    describe("a packed token set", () => {
      test("is given back as it was committed", async () => {
        const connection = await put(held());
        const commit = commitOf(connection, { credentials: packed("second") });
        expect(await store.commit(commit, committer)).toEqual({ kind: "done" });
        expect((await stored(connection)).credentials).toBe(packed("second"));
      });
      test("that is committed twice is done", async () => {
        const connection = await put(held());
        const commit = commitOf(connection, { credentials: packed("second") });
        await store.commit(commit, committer);
        expect(await store.commit(commit, committer)).toEqual({ kind: "done" });
      });
      test("is followed by a compact one, as after a rollback", async () => {
        const connection = await put(held());
        const commit = commitOf(connection, { credentials: packed("second") });
        await store.commit(commit, committer);
        const committed = await stored(connection);
        await store.commit(commitOf(committed, { credentials: jwe("third") }), committer);
        expect((await stored(connection)).credentials).toBe(jwe("third"));
      });
    });

    describe("a commit with a failure", () => {
      test("stores both, ends the lease, and is no refresh", async () => {
        const connection = await put(held());
        const commit = commitOf(connection, { failure });
        expect(await store.commit(commit, committer)).toEqual({ kind: "done" });
        expect(await stored(connection)).toMatchObject({
          credentials: commit.credentials,
          credentialsVersion: connection.credentialsVersion + 1,
          lastRefreshedAtMs: connection.lastRefreshedAtMs,
          ...{ failure, lease: undefined },
        });
        expect(await tested.due(connection)).toEqual(commit.due);
      });
      test("leaves the status as it was", async () => {
        const connection = await put({ status: "error" });
        await store.commit(commitOf(connection, { status: "error", failure }), committer);
        expect(await stored(connection)).toMatchObject({ status: "error", failure });
      });
      test("gives way to a version that has moved", async () => {
        const connection = await put();
        const late = commitOf({ ...connection, credentialsVersion: 2 }, { failure });
        expect(await store.commit(late, committer)).toEqual({ kind: "superseded", connection });
      });
    });

    describe("acquireLease", () => {
      test("reads and locks in one", async () => {
        const connection = await put();
        const acquisition = await store.acquireLease(leaseRequest(connection));
        expect(acquisition).toEqual({
          kind: "acquired",
          connection: { ...connection, ...held() },
        });
        expect(await store.read(connection)).toEqual({ ...connection, ...held() });
      });
      test("gives one of a hundred the lease, and shows it to the others", async () => {
        const connection = await put();
        const acquisitions = await Promise.all(
          Array.from({ length: 100 }, (_, i) =>
            store.acquireLease(leaseRequest(connection, { leaseId: `lease-${i}` })),
          ),
        );
        const winners = acquisitions.flatMap((one) => (one.kind === "acquired" ? [one] : []));
        expect(winners).toHaveLength(1);
        const { lease } = winners[0]?.connection ?? {};
        for (const one of acquisitions) expect(one).toMatchObject({ connection: { lease } });
      });
      test("declines while another lease lives, and not from the millisecond on at which it ends", async () => {
        const failed = { ...failure, leaseId: "lease-b", retryAtMs: undefined };
        const connection = await put({ ...held("lease-b"), failure: failed });
        const end = nowMs + 20_000;
        const before = leaseRequest(connection, { nowMs: end - 1 });
        expect(await store.acquireLease(before)).toEqual({ kind: "declined", connection });
        const at = leaseRequest(connection, { nowMs: end, leaseExpiresAtMs: end + 20_000 });
        expect(await store.acquireLease(at)).toMatchObject({
          kind: "acquired",
          connection: { lease: { leaseId: "lease-a", leaseExpiresAtMs: end + 20_000 } },
        });
      });
      test("declines a dead lease under which nothing is stored, until its take-over has come", async () => {
        const connection = await put(held("lease-b"));
        const end = nowMs + 20_000;
        const at = (instantMs: number) =>
          store.acquireLease(
            leaseRequest(connection, { nowMs: instantMs, leaseExpiresAtMs: instantMs + 20_000 }),
          );
        expect(await at(end)).toEqual({ kind: "declined", connection });
        await store.scheduleTakeOver(connection, { leaseId: "lease-b", atMs: end + 15_000 });
        const takeOver = { leaseId: "lease-b", atMs: end + 15_000 };
        const waiting = { ...connection, takeOver };
        expect(await at(end + 14_999)).toEqual({ kind: "declined", connection: waiting });
        const lease = { leaseId: "lease-a", leaseExpiresAtMs: end + 35_000 };
        expect(await at(end + 15_000)).toEqual({
          kind: "acquired",
          connection: { ...connection, lease, takeOver },
        });
      });
      test("keeps the take-over that was stated first, and states another for another lease", async () => {
        const takeOver = { leaseId: "lease-a", atMs: nowMs + 35_000 };
        const connection = await put(held());
        await store.scheduleTakeOver(connection, takeOver);
        await store.scheduleTakeOver(connection, { ...takeOver, atMs: nowMs + 99_000 });
        expect(await stored(connection)).toEqual({ ...connection, takeOver });
        await store.scheduleTakeOver(connection, { ...takeOver, leaseId: "lease-b" });
        await store.scheduleTakeOver({ ...connection, workspaceId: foreign }, takeOver);
        expect(await stored(connection)).toEqual({ ...connection, takeOver });
        const later = await put({ ...held("lease-b"), takeOver });
        await store.scheduleTakeOver(later, { leaseId: "lease-b", atMs: nowMs });
        expect(await stored(later)).toMatchObject({ takeOver: { leaseId: "lease-b" } });
      });
      test("ignores the take-over of another lease, and one that is later than any", async () => {
        const end = nowMs + 20_000;
        const request = { nowMs: end, leaseExpiresAtMs: end + 20_000 };
        const other = { leaseId: "lease-c", atMs: nowMs };
        const leftOver = await put({ ...held("lease-b"), takeOver: other });
        expect(await store.acquireLease(leaseRequest(leftOver, request))).toEqual({
          kind: "declined",
          connection: leftOver,
        });
        const never = { leaseId: "lease-b", atMs: nowMs + 31_536_000_000 };
        const forged = await put({ ...held("lease-b"), takeOver: never });
        const acquisition = await store.acquireLease(leaseRequest(forged, request));
        expect(acquisition).toMatchObject({ kind: "acquired" });
      });
      test("acquires a dead lease at once where its failure is stored, or where told to", async () => {
        const request = { nowMs: nowMs + 20_000, leaseExpiresAtMs: nowMs + 40_000 };
        const resolved = { ...failure, leaseId: "lease-b", retryAtMs: undefined };
        const failed = await put({ ...held("lease-b"), failure: resolved });
        expect(await store.acquireLease(leaseRequest(failed, request))).toMatchObject({
          kind: "acquired",
          connection: { takeOver: undefined },
        });
        const unresolved = await put(held("lease-b"));
        const atOnce = leaseRequest(unresolved, { ...request, takesOverAtOnce: true });
        expect(await store.acquireLease(atOnce)).toMatchObject({ kind: "acquired" });
      });
      test("declines until the failure's retry time, unless told not to", async () => {
        const connection = await put({ failure });
        const at = (instantMs: number, ignoresRetryAt = false) =>
          store.acquireLease(leaseRequest(connection, { nowMs: instantMs, ignoresRetryAt }));
        expect(await at(nowMs + 5_001)).toEqual({ kind: "declined", connection });
        expect(await at(nowMs + 5_001, true)).toMatchObject({ kind: "acquired" });
        await store.releaseLease(connection, "lease-a");
        expect(await at(nowMs + 5_002)).toMatchObject({ kind: "acquired" });
      });
      test("declines a forced refresh a moment after another one, and remembers when one began", async () => {
        const connection = await put({ lastRefreshedAtMs: nowMs });
        const forced = (instantMs: number) =>
          store.acquireLease(
            leaseRequest(connection, {
              ...{ nowMs: instantMs, leaseExpiresAtMs: instantMs + 20_000 },
              ...{ refreshedBeforeMs: undefined, forcedBeforeMs: instantMs - 1_000 },
            }),
          );
        expect(await forced(nowMs)).toMatchObject({ kind: "acquired" });
        await store.releaseLease(connection, "lease-a");
        const stamped = { ...connection, lastForcedAtMs: nowMs };
        expect(await forced(nowMs + 999)).toEqual({ kind: "declined", connection: stamped });
        expect(await forced(nowMs + 1_000)).toMatchObject({
          kind: "acquired",
          connection: { lastForcedAtMs: nowMs + 1_000 },
        });
      });
      test("treats a lease that claims to last for years as dead", async () => {
        const lease = { leaseId: "lease-b", leaseExpiresAtMs: nowMs + 31_536_000_000 };
        const connection = await put({ lease });
        const request = leaseRequest(connection, { takesOverAtOnce: true });
        expect(await store.acquireLease(request)).toMatchObject({ kind: "acquired" });
      });
      test("acquires again what it has acquired: an answer may have been lost", async () => {
        const connection = await put();
        await store.acquireLease(leaseRequest(connection));
        expect(await store.acquireLease(leaseRequest(connection))).toEqual({
          kind: "acquired",
          connection: { ...connection, ...held() },
        });
      });
      test.each<[ConnectionStatus, string]>([
        ["active", "acquired"],
        ["testing", "acquired"],
        ["error", "acquired"],
        ["inactive", "declined"],
        ["expired", "declined"],
      ])("of a connection that is %s: %s", async (status, kind) => {
        const connection = await put({ status });
        expect(await store.acquireLease(leaseRequest(connection))).toMatchObject({ kind });
      });
      test("declines what was refreshed within the window, and not what was before it", async () => {
        const connection = await put({ lastRefreshedAtMs: nowMs - 10_000 });
        const request = (refreshedBeforeMs: number | undefined) =>
          store.acquireLease(leaseRequest(connection, { refreshedBeforeMs }));
        expect(await request(nowMs - 10_001)).toEqual({ kind: "declined", connection });
        expect(await request(nowMs - 10_000)).toMatchObject({ kind: "acquired" });
      });
      test("needs no window", async () => {
        const connection = await put({ lastRefreshedAtMs: nowMs });
        const request = leaseRequest(connection, { refreshedBeforeMs: undefined });
        expect(await store.acquireLease(request)).toMatchObject({ kind: "acquired" });
      });
      test("takes a connection that was never refreshed", async () => {
        const connection = await put({ lastRefreshedAtMs: undefined });
        const acquisition = await store.acquireLease(leaseRequest(connection));
        expect(acquisition).toMatchObject({ kind: "acquired" });
      });
      test("leaves another workspace's connection alone, as if it were absent", async () => {
        const connection = await put({ workspaceId: foreign });
        const absent = { kind: "absent" };
        expect(await store.acquireLease(leaseRequest(connection))).toEqual(absent);
        expect(
          await store.acquireLease(leaseRequest({ ...connection, connectionId: newId() })),
        ).toEqual(absent);
        expect(await stored(connection)).toEqual(connection);
      });
      test("creates nothing", async () => {
        const key = { connectionId: newId(), workspaceId };
        expect(await store.acquireLease(leaseRequest(key))).toEqual({ kind: "absent" });
        expect(await store.read(key)).toBeUndefined();
      });
    });

    describe("commit", () => {
      const committed = (connection: Connection): Connection => ({
        ...connection,
        status: "active",
        credentials: jwe("second"),
        credentialsVersion: 4,
        expiresAtMs: nowMs + 7_200_000,
        refreshTokenExpiresAtMs: nowMs + 172_800_000,
        refreshTokenAbsoluteExpiresAtMs: nowMs + 900_000_000,
        lastRefreshedAtMs: nowMs + 1_234,
        refreshAtMs: nowMs + 6_000_000,
        lease: undefined,
        failure: undefined,
      });

      test("stores the token set, ends lease and failure, and sets the next refresh", async () => {
        const connection = await put({ ...held(), failure, status: "error" });
        expect(await store.commit(commitOf(connection), committer)).toEqual({ kind: "done" });
        expect(await stored(connection)).toEqual(committed(connection));
        expect(await tested.due(connection)).toEqual({
          refreshShard: 7,
          refreshAtMs: nowMs + 6_000_000,
        });
      });
      test("takes a connection off the schedule, and forgets an expiry that is not known", async () => {
        const connection = await put(held(), { refreshShard: 7, refreshAtMs: nowMs });
        await store.commit(
          commitOf(connection, { due: undefined, expiresAtMs: undefined }),
          committer,
        );
        expect(await tested.due(connection)).toBeUndefined();
        expect(await stored(connection)).toEqual({
          ...committed(connection),
          refreshAtMs: undefined,
          expiresAtMs: undefined,
        });
      });
      test("stores an assumed end, and forgets it with the next token set", async () => {
        const connection = await put();
        const assumedExpiresAtMs = nowMs + 5_400_000;
        const unknown = { expiresAtMs: undefined, assumedExpiresAtMs };
        await store.commit(commitOf(connection, unknown), committer);
        const assumed = await stored(connection);
        expect(assumed).toMatchObject(unknown);
        await store.commit(commitOf(assumed, { credentials: jwe("third") }), committer);
        expect((await stored(connection)).assumedExpiresAtMs).toBeUndefined();
      });
      test("keeps the refresh token's end where the provider told none", async () => {
        const connection = await put();
        const untold = {
          refreshTokenExpiresAtMs: undefined,
          refreshTokenAbsoluteExpiresAtMs: undefined,
        };
        await store.commit(commitOf(connection, untold), committer);
        const { refreshTokenExpiresAtMs, refreshTokenAbsoluteExpiresAtMs } = connection;
        expect(await stored(connection)).toMatchObject({
          refreshTokenExpiresAtMs,
          refreshTokenAbsoluteExpiresAtMs,
        });
      });
      test("keeps expiries and the next refresh to the second", async () => {
        const connection = await put();
        const due = { refreshShard: 7, refreshAtMs: nowMs + 1_999 };
        const expiresAtMs = nowMs + 5_999;
        await store.commit(commitOf(connection, { expiresAtMs, due }), committer);
        expect(await stored(connection)).toMatchObject({ expiresAtMs: nowMs + 5_000 });
        expect(await tested.due(connection)).toEqual({ ...due, refreshAtMs: nowMs + 1_000 });
      });
      test("needs no lease, and outlasts its own and another's that has ended", async () => {
        for (const lease of [undefined, held().lease, held("lease-of-another").lease]) {
          const connection = await put({ lease });
          const late = { ...committer, nowMs: nowMs + 20_000 };
          expect(await store.commit(commitOf(connection), late)).toEqual({ kind: "done" });
          expect(await stored(connection)).toEqual(committed(connection));
        }
      });
      test("waits for another caller that holds a live lease, who may get the newer tokens", async () => {
        const connection = await put(held("lease-of-another"));
        const early = { ...committer, nowMs: nowMs + 19_999 };
        const commit = commitOf(connection);
        expect(await store.commit(commit, early)).toEqual({ kind: "held", connection });
        expect(await stored(connection)).toEqual(connection);
      });
      test("is not held up by a lease that claims to last for years", async () => {
        const lease = { leaseId: "lease-of-another", leaseExpiresAtMs: nowMs + 31_536_000_000 };
        const connection = await put({ lease });
        expect(await store.commit(commitOf(connection), committer)).toEqual({ kind: "done" });
      });
      test("stores the version that the token set was sealed with", async () => {
        const connection = await put();
        await store.commit(commitOf(connection, { version: nowMs }), committer);
        expect(await stored(connection)).toMatchObject({ credentialsVersion: nowMs });
      });
      test("drops a result whose version has moved on, and shows what stands there", async () => {
        const connection = await put({
          credentials: jwe("newer"),
          credentialsVersion: 4,
          ...held("b"),
        });
        const late = commitOf({ ...connection, credentialsVersion: 3 });
        expect(await store.commit(late, committer)).toEqual({ kind: "superseded", connection });
        expect(await stored(connection)).toEqual(connection);
      });
      test("of two with one version lets one through", async () => {
        const connection = await put();
        const written = await Promise.all(
          ["one", "other"].map((name) =>
            store.commit(commitOf(connection, { credentials: jwe(name) }), committer),
          ),
        );
        expect(written.map(({ kind }) => kind).sort()).toEqual(["done", "superseded"]);
      });
      test("is done when it was done: an answer may have been lost", async () => {
        const connection = await put();
        const commit = commitOf(connection);
        expect(await store.commit(commit, committer)).toEqual({ kind: "done" });
        expect(await store.commit(commit, committer)).toEqual({ kind: "done" });
        expect(await stored(connection)).toMatchObject({ credentialsVersion: 4 });
      });
      test.each<[ConnectionStatus, ConnectionStatus, ConnectionStatus]>([
        ["error", "active", "active"],
        ["expired", "active", "active"],
        ["inactive", "active", "inactive"],
        ["testing", "active", "testing"],
        ["testing", "testing", "testing"],
        ["active", "testing", "active"],
        ["inactive", "testing", "inactive"],
      ])("of a connection that is %s by now, with %s: is %s", async (now, status, then) => {
        const connection = await put({ status: now });
        expect(await store.commit(commitOf(connection, { status }), committer)).toEqual({
          kind: "done",
        });
        expect(await stored(connection)).toMatchObject({
          status: then,
          credentials: jwe("second"),
        });
      });
      test("counts the first credentials from nothing", async () => {
        const connection = await put({ credentials: undefined, credentialsVersion: 0 });
        expect(await store.commit(commitOf(connection), committer)).toEqual({ kind: "done" });
        expect(await stored(connection)).toMatchObject({ credentialsVersion: 1 });
      });
      test("touches nothing of another workspace, and creates nothing", async () => {
        const connection = await put({ workspaceId: foreign });
        expect(await store.commit(commitOf(connection), committer)).toEqual({ kind: "absent" });
        expect(await stored(connection)).toEqual(connection);
        const key = { connectionId: newId(), workspaceId };
        expect(await store.commit(commitOf(whole(key)), committer)).toEqual({ kind: "absent" });
        expect(await store.read(key)).toBeUndefined();
      });
    });

    describe("recordFailure", () => {
      test("records the failure and ends the lease", async () => {
        const due = { refreshShard: 7, refreshAtMs: nowMs };
        const connection = await put(held(), due);
        expect(await store.recordFailure(failureOf(connection))).toEqual({ kind: "done" });
        expect(await stored(connection)).toEqual({ ...connection, lease: undefined, failure });
        expect(await tested.due(connection)).toEqual(due);
      });
      test("keeps the lease where told", async () => {
        const connection = await put(held());
        await store.recordFailure(failureOf(connection, { keepLease: true }));
        expect(await stored(connection)).toEqual({ ...connection, failure });
      });
      test("declares a connection dead and takes it off the schedule", async () => {
        const connection = await put(held(), { refreshShard: 7, refreshAtMs: nowMs });
        await store.recordFailure(
          failureOf(connection, { status: "expired", schedule: "removed" }),
        );
        expect(await stored(connection)).toMatchObject({ status: "expired", failure });
        expect(await tested.due(connection)).toBeUndefined();
      });
      test("moves the connection in the schedule with the same write", async () => {
        const connection = await put(held(), { refreshShard: 7, refreshAtMs: nowMs });
        const due = { refreshShard: 7, refreshAtMs: nowMs + 60_000 };
        await store.recordFailure(failureOf(connection, { schedule: due }));
        expect(await stored(connection)).toMatchObject({ refreshAtMs: due.refreshAtMs, failure });
        expect(await tested.due(connection)).toEqual(due);
      });
      test("leaves switched off what its owner has switched off meanwhile", async () => {
        const connection = await put({ ...held(), status: "inactive" });
        const record = failureOf(connection, { status: "expired", schedule: "removed" });
        expect(await store.recordFailure(record)).toEqual({ kind: "done" });
        expect(await stored(connection)).toMatchObject({ status: "inactive", failure });
      });
      test.each<[string, Partial<Connection>]>([
        ["another holds the lease", held("lease-b")],
        ["nobody holds a lease", { lease: undefined }],
        ["the version has moved on", { ...held(), credentialsVersion: 4 }],
      ])("records nothing when %s", async (_, changes) => {
        const connection = await put(changes);
        const record = failureOf(
          { ...connection, credentialsVersion: 3 },
          { status: "expired", schedule: "removed" },
        );
        expect(await store.recordFailure(record)).toEqual({ kind: "superseded", connection });
        expect(await stored(connection)).toEqual(connection);
      });
      test.each([true, false])("is done when it was done (keepLease: %s)", async (keepLease) => {
        const connection = await put(held());
        const record = failureOf(connection, { keepLease });
        expect(await store.recordFailure(record)).toEqual({ kind: "done" });
        expect(await store.recordFailure(record)).toEqual({ kind: "done" });
      });
      test("touches nothing of another workspace", async () => {
        const connection = await put({ ...held(), workspaceId: foreign });
        expect(await store.recordFailure(failureOf(connection))).toEqual({ kind: "absent" });
        expect(await stored(connection)).toEqual(connection);
      });
    });

    describe("postpone", () => {
      const due = { refreshShard: 7, refreshAtMs: nowMs };
      const later = { refreshShard: 7, refreshAtMs: nowMs + 90_000 };
      const putOffOf = (
        connection: Connection,
        changes: Partial<Postponement> = {},
      ): Postponement => ({
        connectionId: connection.connectionId,
        workspaceId,
        expectedVersion: connection.credentialsVersion,
        refreshAtMs: due.refreshAtMs,
        nowMs,
        schedule: later,
        failure,
        ...changes,
      });
      test("moves the connection in the schedule and says why", async () => {
        const connection = await put({}, due);
        expect(await store.postpone(putOffOf(connection))).toEqual({ kind: "done" });
        expect(await stored(connection)).toEqual({
          ...connection,
          refreshAtMs: later.refreshAtMs,
          failure,
        });
        expect(await tested.due(connection)).toEqual(later);
      });
      test("takes the connection off the schedule where told", async () => {
        const connection = await put({}, due);
        await store.postpone(putOffOf(connection, { schedule: "removed" }));
        expect(await stored(connection)).toMatchObject({ refreshAtMs: undefined, failure });
        expect(await tested.due(connection)).toBeUndefined();
      });
      test("is not kept away by a lease that has run out", async () => {
        const connection = await put({ lease: { leaseId: "dead", leaseExpiresAtMs: nowMs } }, due);
        expect(await store.postpone(putOffOf(connection))).toEqual({ kind: "done" });
      });
      test.each<[string, Partial<Connection>, Due | undefined]>([
        ["somebody refreshes the connection", held("lease-b"), due],
        ["the version has moved on", { credentialsVersion: 4 }, due],
        ["it is scheduled for another time", {}, later],
        ["it is not scheduled any more", {}, undefined],
      ])("changes nothing when %s", async (_, changes, scheduled) => {
        const connection = await put(changes, scheduled);
        const record = putOffOf({ ...connection, credentialsVersion: 3 });
        expect(await store.postpone(record)).toEqual({ kind: "superseded", connection });
        expect(await stored(connection)).toEqual(connection);
      });
      test("is done when it was done", async () => {
        const connection = await put({}, due);
        expect(await store.postpone(putOffOf(connection))).toEqual({ kind: "done" });
        expect(await store.postpone(putOffOf(connection))).toEqual({ kind: "done" });
      });
      test("touches nothing of another workspace", async () => {
        const connection = await put({}, due);
        const record = { ...putOffOf(connection), workspaceId: foreign };
        expect(await store.postpone(record)).toEqual({ kind: "absent" });
        expect(await stored(connection)).toEqual(connection);
      });
    });

    describe("releaseLease", () => {
      test("ends the caller's lease", async () => {
        const connection = await put(held());
        await store.releaseLease({ ...connection }, "lease-a");
        expect(await stored(connection)).toEqual({ ...connection, lease: undefined });
      });
      test("leaves another's lease, and another workspace's", async () => {
        const connection = await put(held("lease-b"));
        await store.releaseLease(connection, "lease-a");
        await store.releaseLease({ ...connection, workspaceId: foreign }, "lease-b");
        expect(await stored(connection)).toEqual(connection);
      });
      test("creates nothing", async () => {
        const key = { connectionId: newId(), workspaceId };
        await store.releaseLease(key, "lease-a");
        expect(await store.read(key)).toBeUndefined();
      });
    });
  });
}
