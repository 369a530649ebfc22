import { budgetFor } from "../../functions/domain/model/budget.ts";
import {
  firstRescueDelayMs,
  redeliveryMs,
  rescueTimeoutMs,
  takeOverTurnMs,
} from "../../functions/domain/model/take-over.ts";
import { type Exploration, explore, inWords } from "./breadth-first.ts";
import { type State, ticks } from "./protocol-state.ts";
import { refreshProtocol } from "./refresh-protocol.ts";
import {
  type Configuration,
  type Faults,
  formerRules,
  noFaults,
  presentRules,
  type Rotation,
  type Rules,
  wantedRules,
} from "./rules.ts";

/** Twice the states of the largest configuration below. */
const maximumStates = 300_000;

const configured = (
  rules: Rules,
  faults: Partial<Faults>,
  size: Partial<Configuration> = {},
): Configuration => ({
  ...{ rules, rotation: "strict", callers: 2, calls: 3 },
  ...{ faults: { ...noFaults, ...faults }, ...size },
});

const check = (configuration: Configuration): Exploration =>
  explore(refreshProtocol(configuration), maximumStates);

/** The shortest trace that breaks an invariant. Empty: there is none. */
function traceOf(configuration: Configuration): string {
  const { counterexample } = check(configuration);
  return counterexample === undefined ? "" : inWords(counterexample);
}

const everyFault: Partial<Faults> = { outages: 1, crashes: 1, ambiguousEnds: 1, lostResponses: 1 };
const rotations: readonly Rotation[] = ["none", "grace", "strict"];

test("the model's durations are the service's", () => {
  const tickMs = 5_000;
  const budget = budgetFor();
  expect(budget.commitReserveMs).toBeLessThanOrEqual(ticks.commitReserve * tickMs);
  expect([
    ...[budget.providerTimeoutMs, budget.leaseMs, budget.functionTimeoutMs],
    ...[firstRescueDelayMs, redeliveryMs(0), rescueTimeoutMs],
  ]).toEqual(
    [
      ...[ticks.providerTimeout, ticks.lease, ticks.functionTimeout],
      ...[ticks.firstDelivery, ticks.redelivery, ticks.rescueTimeout],
    ].map((duration) => duration * tickMs),
  );
  const functionMargin = ticks.functionTimeout - ticks.lease;
  const turn = functionMargin + ticks.redelivery + ticks.rescueTimeout;
  expect(takeOverTurnMs(0, 0)).toBe(turn * tickMs);
});

describe("the former rules lose tokens", () => {
  test("a take-over after an outage presents a token that was replaced", () => {
    const trace = traceOf(configured(formerRules, { outages: 1 }));
    expect(trace).toContain("puts token 0.1 on the rescue queue");
    expect(trace).toMatch(/acquires the lease, which has ended,.*\n.*sends token 0.0/);
    expect(trace).toMatch(/=> token 0.0 is presented .* revokes the family$/);
  });

  test("a lease that a reset ends lets a second request follow the first", () => {
    const trace = traceOf(configured(formerRules, { ambiguousEnds: 1 }));
    expect(trace).toContain("is reset before the provider has decided");
    expect(trace).toMatch(/=> two token requests are under way at once$/);
  });

  test("a version that is counted again lets a refresh of before a delete replace an authorization", () => {
    const trace = traceOf(configured(formerRules, { deletes: 1, reauthorizations: 1 }));
    expect(trace).toMatch(
      /stores token 1.0, version 1\n.*commits token 0.1: done\n=> token 1.0 is lost/,
    );
  });

  test("a put without a condition replaces a newer token set", () => {
    const trace = traceOf(configured(formerRules, { reimports: 1 }));
    expect(trace).toMatch(/commits token 0.1: done\n.*stores token 0.0, .*\n=> token 0.1 is lost/);
  });
});

describe("the present rules", () => {
  test.each(rotations)("lose nothing by any fault of process, network or store: %s", (rotation) => {
    expect(traceOf(configured(presentRules, everyFault, { rotation }))).toBe("");
  });

  test("lose nothing when three calls are under way", () => {
    const size = { callers: 3, calls: 4 };
    expect(traceOf(configured(presentRules, { outages: 1, crashes: 1 }, size))).toBe("");
  });

  test("lose nothing when a connection is deleted and authorized anew", () => {
    const faults = { outages: 1, deletes: 1, reauthorizations: 1 };
    expect(traceOf(configured(presentRules, faults))).toBe("");
  });

  test.each<[string, Partial<Rules>]>([
    ["a turn", { takeOver: "at_once" }],
    ["a lease that is kept after a reset", { leaseIsKeptAfter: "timeout" }],
  ])("need %s", (_, former) => {
    expect(traceOf(configured({ ...presentRules, ...former }, everyFault))).toContain("=> ");
  });

  test("need a version of its own for each token set: an old rescue replaces an authorization", () => {
    const rules: Rules = { ...presentRules, versions: "counted" };
    const faults = { outages: 1, deletes: 1, reauthorizations: 1 };
    expect(traceOf(configured(rules, faults))).toMatch(
      /TTL removes .*\n(.*\n)*.*the rescue of token 0.1: done\n=> token 1.0 is lost/,
    );
  });
});

describe("the present rules leave two gaps", () => {
  test("a put of the stored token during its refresh discards the granted token set", () => {
    const trace = traceOf(configured(presentRules, { reimports: 1 }));
    expect(trace).toMatch(
      /stores token 0.0, .*\n.*commits token 0.1: superseded\n=> token 0.1 is lost/,
    );
  });

  test("an outage between the statement of a turn and the turn delays the rescue beyond it", () => {
    const trace = traceOf(configured(presentRules, { outages: 2 }));
    expect(trace).toMatch(
      /states its turn .*\n.*the store goes down\n.*the rescue of token 0.1 fails/,
    );
    expect(trace).toMatch(/revokes the family$/);
  });
});

describe("the wanted rules", () => {
  test("a put that waits for the lease and the turn discards nothing", () => {
    const faults = { outages: 1, deletes: 1, reauthorizations: 1, reimports: 1 };
    expect(traceOf(configured(wantedRules, faults))).toBe("");
  });

  test("a take-over that passes the rescue queue in order survives two outages as well", () => {
    const rules = { ...wantedRules, takeOver: "behind_rescue" } as const;
    expect(traceOf(configured(rules, { ...everyFault, outages: 2 }))).toBe("");
  });
});

describe("a lease in an item of its own", () => {
  const rules: Rules = { ...presentRules, leasePlace: "own_item" };

  test.each(rotations)("loses nothing: %s", (rotation) => {
    expect(traceOf(configured(rules, everyFault, { rotation }))).toBe("");
  });

  test("needs a read of the connection after the lease is acquired", () => {
    const unread = { ...rules, readsAfterLease: false };
    const trace = traceOf(configured(unread, {}, { callers: 3 }));
    expect(trace).toMatch(/=> token 0.0 is presented .* revokes the family$/);
  });

  test("blocks the next call after a commit unless the lease names a version", () => {
    const acquires = ({ callers }: State) =>
      callers.some(({ phase, version }) => phase === "holding" && version === 2);
    const ticksUntil = (changes: Partial<Rules>) =>
      stepsUntil(configured({ ...rules, ...changes }, {}), acquires).filter(
        (text) => text === "five seconds pass",
      ).length;
    expect(ticksUntil({})).toBe(0);
    expect(ticksUntil({ leaseNamesVersion: false })).toBe(ticks.lease + ticks.functionTimeout - 1);
  });
});

/** The shortest way to a state in which something holds. Empty: there is none. */
function stepsUntil(configuration: Configuration, holds: (state: State) => boolean) {
  const model = refreshProtocol(configuration);
  const violation = (state: State) => (holds(state) ? "reached" : undefined);
  return explore({ ...model, violation }, maximumStates).counterexample?.trace ?? [];
}

describe("the model reaches what it is about", () => {
  const isRotated = ({ item }: State) => item?.token.generation === 1;

  test("a take-over that refreshes", () => {
    const trace = stepsUntil(configured(presentRules, { crashes: 1 }), (state) => {
      const { calls, faultsLeft, lease } = state;
      return isRotated(state) && calls === 2 && faultsLeft.crashes === 0 && lease === undefined;
    });
    expect(trace.join("\n")).toMatch(
      /1 crashes\n(.*\n)*.*states its turn .*\n(.*\n)*call 2 commits/,
    );
  });

  test("a rescue after an outage and a crash", () => {
    const faults = { outages: 1, crashes: 1 };
    const trace = stepsUntil(configured(presentRules, faults), (state) => {
      const { crashes, outages } = state.faultsLeft;
      return isRotated(state) && state.calls === 1 && crashes + outages === 0;
    });
    expect(trace.at(-1)).toBe("the rescue of token 0.1: done");
  });
});
