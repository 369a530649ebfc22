import { explore, inWords, type Model } from "./breadth-first.ts";

/** A counter that is doubled or incremented, up to a limit. */
const counter = (limit: number, isForbidden: (value: number) => boolean): Model<number> => ({
  initial: 1,
  steps: (value) =>
    [
      { text: "double", state: value * 2 },
      { text: "increment", state: value + 1 },
    ].filter(({ state }) => state <= limit),
  encode: String,
  violation: (value) => (isForbidden(value) ? `${value} is forbidden` : undefined),
});

test("every state is visited once", () => {
  const found = explore(
    counter(50, () => false),
    100,
  );
  expect(found).toMatchObject({ states: 50, counterexample: undefined });
});

test("the trace is a shortest one, in words", () => {
  const { counterexample } = explore(
    counter(50, (value) => value === 10),
    100,
  );
  expect(counterexample && inWords(counterexample).split("\n")).toEqual([
    " 1. double",
    " 2. double",
    " 3. increment",
    " 4. double",
    "=> 10 is forbidden",
  ]);
});

test("a model that is too large proves nothing, and says so", () => {
  const unbounded = counter(Number.POSITIVE_INFINITY, () => false);
  expect(() => explore(unbounded, 1_000)).toThrow("the model has more than 1000 states");
});
