import { type FairLine, fairLine } from "../../../bin/local/fair-line.ts";

const joined = (groups: readonly (string | undefined)[], gone: readonly string[] = []) => {
  const line = fairLine<string>((item) => !gone.includes(item));
  for (const [i, group] of groups.entries()) line.join(`${group ?? "alone"}-${i}`, group);
  return line;
};
const workOn = (line: FairLine<string>, group: string, count: number): void => {
  for (let i = 0; i < count; i++) line.worksOn(group, 1);
};
const all = (line: FairLine<string>): string[] => {
  const items: string[] = [];
  for (let item = line.next(); item !== undefined; item = line.next()) items.push(item);
  return items;
};

test("first come, first served, whatever the group", () => {
  const line = joined(["a", "b", "a", undefined, "b"]);
  expect(all(line)).toEqual(["a-0", "b-1", "a-2", "alone-3", "b-4"]);
});

test("those who have left are passed by", () => {
  const line = joined(["a", "a", "b", "a", "b"], ["a-0", "a-1", "b-4"]);
  expect(all(line)).toEqual(["b-2", "a-3"]);
});

test("a noisy group comes after everyone else, and is served when nobody else waits", () => {
  const line = joined(["loud", "loud", "quiet", undefined]);
  workOn(line, "loud", 30);
  expect(all(line)).toEqual(["quiet-2", "alone-3", "loud-0", "loud-1"]);
});

test("a group is not noisy while its work is little, or a small part of all", () => {
  const few = joined(["a", "b"]);
  workOn(few, "a", 29);
  expect(all(few)).toEqual(["a-0", "b-1"]);
  const many = joined(["a", "b"]);
  workOn(many, "a", 30);
  for (let i = 0; i < 30; i++) workOn(many, `other-${i}`, 9);
  expect(all(many)).toEqual(["a-0", "b-1"]);
});

test("of several noisy groups the one with the least under way comes first", () => {
  const line = joined(["a", "b", "c"]);
  workOn(line, "a", 50);
  workOn(line, "b", 30);
  workOn(line, "c", 40);
  expect(all(line)).toEqual(["b-1", "c-2", "a-0"]);
});

test("a group is quiet again once its work has ended", () => {
  const line = joined(["loud", "quiet"]);
  workOn(line, "loud", 30);
  line.worksOn("loud", -1);
  expect(all(line)).toEqual(["loud-0", "quiet-1"]);
});
