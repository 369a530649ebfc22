import { windowMs } from "../../functions/domain/integration/agreement.ts";
import type {
  ConnectionId,
  RegistrationName,
  WorkspaceId,
} from "../../functions/domain/model/connection.ts";
import type { TroubleWindow } from "../../functions/domain/model/integration-hold.ts";
import type {
  IntegrationHolds,
  SharedFailure,
  TroubleEvidence,
} from "../../functions/domain/ports/integration.ts";
import { hold, startMs } from "../support/refresh-harness.ts";

/** One process, with whatever it keeps for itself. */
export interface ProcessUnderTest {
  readonly holds: IntegrationHolds;
  readonly evidence: TroubleEvidence;
}

export interface TroubleUnderTest {
  /** Starts a process of a fleet that shares one table. */
  start(): ProcessUnderTest;
  advance(durationMs: number): void;
  close(): Promise<void>;
}

let serial = 0;
const newName = () => `integrations/acme-${process.pid}-${++serial}` as RegistrationName;
const origin = "https://eu.acme.example";
const failure = (n: number, changes: Partial<SharedFailure> = {}): SharedFailure => ({
  reason: "provider_failing",
  connection: {
    connectionId: `conn_${n}` as ConnectionId,
    workspaceId: `wsp_${n}` as WorkspaceId,
  },
  origin,
  ...changes,
});

/** The behaviour of every pair of IntegrationHolds and TroubleEvidence. */
export function integrationTroubleContract(
  title: string,
  open: () => Promise<TroubleUnderTest>,
): void {
  describe(`trouble of integrations: ${title}`, () => {
    let table: TroubleUnderTest;
    beforeEach(async () => {
      table = await open();
    });
    afterEach(() => table.close());

    describe("holds", () => {
      const scopes = [
        { origin: undefined, workspaceId: undefined },
        { origin, workspaceId: undefined },
        { origin: undefined, workspaceId: "wsp_1" as WorkspaceId },
        { origin, workspaceId: "wsp_1" as WorkspaceId },
      ];

      test("are known to every process within two seconds, each as it was placed", async () => {
        const [one, other] = [table.start(), table.start()];
        const name = newName();
        expect(await other.holds.current(name)).toEqual({ holds: [], windows: [] });
        const failing = [failure(1).connection, failure(2).connection];
        const placed = scopes.map((scope, n) => hold({ scope, count: n + 1, failing }));
        for (const each of placed)
          expect(await one.holds.replace(name, undefined, each)).toBe(true);
        expect((await one.holds.current(name)).holds).toEqual(expect.arrayContaining(placed));
        table.advance(2_000);
        const { holds } = await other.holds.current(name);
        expect(holds).toHaveLength(4);
        expect(holds).toEqual(expect.arrayContaining(placed));
      });

      test("of several processes for one scope: the first stays, and all know it", async () => {
        const name = newName();
        const many = Array.from({ length: 10 }, table.start);
        const placed = await Promise.all(
          many.map(({ holds }, n) =>
            holds.replace(name, undefined, hold({ untilMs: startMs + 30_000 + n })),
          ),
        );
        expect(placed.filter(Boolean)).toHaveLength(1);
        table.advance(2_000);
        const known = await Promise.all(many.map(({ holds }) => holds.current(name)));
        expect(new Set(known.map(({ holds }) => holds[0]?.untilMs)).size).toBe(1);
      });

      test("are replaced by a process that knows them, and by no other", async () => {
        const [one, other] = [table.start(), table.start()];
        const name = newName();
        await one.holds.replace(name, undefined, hold());
        const longer = hold({ untilMs: startMs + 90_000, count: 2 });
        expect(await one.holds.replace(name, hold(), longer)).toBe(true);
        expect(await other.holds.replace(name, hold(), hold({ untilMs: startMs + 1 }))).toBe(false);
        expect((await other.holds.current(name)).holds).toEqual([longer]);
      });

      test("are probed by one of many", async () => {
        const name = newName();
        const many = Array.from({ length: 10 }, table.start);
        await many[0]?.holds.replace(name, undefined, hold());
        const probe = hold({ untilMs: startMs + 50_000 });
        const probes = await Promise.all(
          many.map(({ holds }) => holds.replace(name, hold(), probe)),
        );
        expect(probes.filter(Boolean)).toHaveLength(1);
      });

      test("are retried by one of many connections that failed before, without moving their end", async () => {
        const name = newName();
        const many = Array.from({ length: 10 }, table.start);
        await many[0]?.holds.replace(name, undefined, hold());
        const retried = hold({ triedAtMs: startMs + 90_000, failing: [failure(1).connection] });
        const retries = await Promise.all(
          many.map(({ holds }) => holds.replace(name, hold(), retried)),
        );
        expect(retries.filter(Boolean)).toHaveLength(1);
        expect((await table.start().holds.current(name)).holds).toEqual([retried]);
      });

      test("end, unless another was placed meanwhile, and no other scope's hold with them", async () => {
        const one = table.start();
        const name = newName();
        const ofOrigin = hold({ scope: { origin, workspaceId: undefined } });
        await one.holds.replace(name, undefined, hold());
        await one.holds.replace(name, undefined, ofOrigin);
        expect(await one.holds.lift(name, hold({ untilMs: startMs + 1 }))).toBe(false);
        expect(await one.holds.lift(name, hold())).toBe(true);
        expect(await one.holds.lift(name, hold())).toBe(false);
        expect((await one.holds.current(name)).holds).toEqual([ofOrigin]);
        expect(await one.holds.replace(name, undefined, hold())).toBe(true);
      });
    });

    describe("windows", () => {
      test("of several processes for one origin: the first is open for all", async () => {
        const name = newName();
        const many = Array.from({ length: 10 }, table.start);
        const opened = await Promise.all(
          many.map(({ holds }, n) => holds.openWindow(name, { origin, beganAtMs: startMs + n })),
        );
        expect(new Set(opened.map((window) => window?.beganAtMs)).size).toBe(1);
        table.advance(2_000);
        expect((await table.start().holds.current(name)).windows).toEqual([opened[0]]);
      });

      test("are open for each origin, and for all of them", async () => {
        const one = table.start();
        const name = newName();
        const ofOrigin = { origin, beganAtMs: startMs };
        const ofAll = { origin: undefined, beganAtMs: startMs + 1 };
        expect(await one.holds.openWindow(name, ofOrigin)).toEqual(ofOrigin);
        expect(await one.holds.openWindow(name, ofAll)).toEqual(ofAll);
        const { windows } = await one.holds.current(name);
        expect(windows).toEqual(expect.arrayContaining([ofOrigin, ofAll]));
      });

      test("that are over make room for the next one", async () => {
        const [one, other] = [table.start(), table.start()];
        const name = newName();
        await one.holds.openWindow(name, { origin, beganAtMs: startMs });
        table.advance(windowMs);
        const next = { origin, beganAtMs: startMs + windowMs };
        expect(await other.holds.openWindow(name, next)).toEqual(next);
      });
    });

    describe("evidence", () => {
      const window: TroubleWindow = { origin, beganAtMs: startMs };

      test("adds up over processes, each connection, workspace and origin once", async () => {
        const name = newName();
        const [one, other] = [table.start(), table.start()];
        const elsewhere = failure(3, { origin: "https://us.acme.example" });
        await one.evidence.addFailure(name, window, failure(1));
        await other.evidence.addFailure(name, window, failure(1));
        await other.evidence.addFailure(name, window, elsewhere);
        const seen = await one.evidence.addFailure(name, window, failure(2));
        expect(new Set(seen?.failing)).toEqual(
          new Set([1, 2, 3].map((n) => failure(n).connection)),
        );
        expect(new Set(seen?.workspaceIds)).toEqual(new Set(["wsp_1", "wsp_2", "wsp_3"]));
        expect(new Set(seen?.origins)).toEqual(new Set([origin, "https://us.acme.example"]));
        expect(seen).toMatchObject({ refused: 4, succeeded: 0 });
      });

      test("is of one reason, one window and one registration", async () => {
        const name = newName();
        const { evidence } = table.start();
        await evidence.addFailure(name, window, failure(1));
        const limited = failure(2, { reason: "rate_limited" });
        expect(await evidence.addFailure(name, window, limited)).toMatchObject({
          failing: [limited.connection],
        });
        const later = { origin, beganAtMs: startMs + 1 };
        expect((await evidence.addFailure(name, later, failure(3)))?.failing).toHaveLength(1);
        expect((await evidence.addFailure(newName(), window, failure(4)))?.failing).toHaveLength(1);
      });

      test("holds a success of any process against the failures", async () => {
        const name = newName();
        const [one, other] = [table.start(), table.start()];
        await one.evidence.addFailure(name, window, failure(1));
        await other.evidence.addSuccess(name, window);
        expect(await one.evidence.addFailure(name, window, failure(2))).toMatchObject({
          succeeded: 1,
        });
      });

      test("names eight connections at most, and counts them all", async () => {
        const name = newName();
        const many = Array.from({ length: 20 }, table.start);
        await Promise.all(many.map((one, n) => one.evidence.addFailure(name, window, failure(n))));
        const seen = await table.start().evidence.addFailure(name, window, failure(21));
        expect(seen?.failing).toHaveLength(8);
        expect(seen?.workspaceIds).toHaveLength(8);
        expect(seen?.refused).toBe(21);
      });
    });
  });
}
