import { type FairQueue, fairQueue } from "../../../bin/local/fair-queue.ts";

const filled = (groups: readonly (string | undefined)[], removed: readonly string[] = []) => {
  const queue = fairQueue<string>((item) => !removed.includes(item));
  for (const [i, group] of groups.entries()) queue.add(`${group ?? "alone"}-${i}`, group);
  return queue;
};
const receive = (queue: FairQueue<string>, group: string, count: number): void => {
  for (let i = 0; i < count; i++) queue.countInFlight(group, 1);
};
const all = (queue: FairQueue<string>): string[] => {
  const items: string[] = [];
  for (let item = queue.next(); item !== undefined; item = queue.next()) items.push(item);
  return items;
};

test("items of all groups come out first in, first out", () => {
  const queue = filled(["a", "b", "a", undefined, "b"]);
  expect(all(queue)).toEqual(["a-0", "b-1", "a-2", "alone-3", "b-4"]);
});

test("items that no longer wait are skipped", () => {
  const queue = filled(["a", "a", "b", "a", "b"], ["a-0", "a-1", "b-4"]);
  expect(all(queue)).toEqual(["b-2", "a-3"]);
});

test("a noisy group comes after all others, and is not blocked when it waits alone", () => {
  const queue = filled(["loud", "loud", "quiet", undefined]);
  receive(queue, "loud", 30);
  expect(all(queue)).toEqual(["quiet-2", "alone-3", "loud-0", "loud-1"]);
});

test("a group is not noisy while it has few items in flight, or a small part of all", () => {
  const few = filled(["a", "b"]);
  receive(few, "a", 29);
  expect(all(few)).toEqual(["a-0", "b-1"]);
  const many = filled(["a", "b"]);
  receive(many, "a", 30);
  for (let i = 0; i < 30; i++) receive(many, `other-${i}`, 9);
  expect(all(many)).toEqual(["a-0", "b-1"]);
});

test("the noisy group with the fewest items in flight comes first", () => {
  const queue = filled(["a", "b", "c"]);
  receive(queue, "a", 50);
  receive(queue, "b", 30);
  receive(queue, "c", 40);
  expect(all(queue)).toEqual(["b-1", "c-2", "a-0"]);
});

test("a group is no longer noisy once its items are processed", () => {
  const queue = filled(["loud", "quiet"]);
  receive(queue, "loud", 30);
  queue.countInFlight("loud", -1);
  expect(all(queue)).toEqual(["loud-0", "quiet-1"]);
});
