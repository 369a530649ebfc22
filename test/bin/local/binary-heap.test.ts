import fc from "fast-check";
import { binaryHeap } from "../../../bin/local/binary-heap.ts";
import { assertProperty } from "../../support/property.ts";

test("the least item comes first, after any pushes and pops", () =>
  assertProperty(
    "value",
    fc.property(fc.array(fc.option(fc.integer({ min: -20, max: 20 }))), (steps) => {
      const heap = binaryHeap<number>((one, other) => one < other);
      const there: number[] = [];
      // A number is pushed; null pops.
      for (const step of steps) {
        if (step !== null) {
          heap.push(step);
          there.push(step);
          there.sort((one, other) => one - other);
        } else {
          expect(heap.pop()).toBe(there.shift());
        }
        expect(heap.peek()).toBe(there[0]);
      }
    }),
  ));
