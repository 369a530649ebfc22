export interface Heap<Item> {
  push(item: Item): void;
  /** The first item in order. Undefined: the heap is empty. */
  peek(): Item | undefined;
  pop(): Item | undefined;
}

/** A binary heap: the item that `isBefore` all others comes first. */
export function binaryHeap<Item>(isBefore: (one: Item, other: Item) => boolean): Heap<Item> {
  const items: Item[] = [];
  const comesFirst = (one: number, other: number): boolean => {
    const [first, second] = [items[one], items[other]];
    return first !== undefined && (second === undefined || isBefore(first, second));
  };
  const swap = (one: number, other: number): void => {
    const [first, second] = [items[one], items[other]];
    if (first === undefined || second === undefined) return;
    items[one] = second;
    items[other] = first;
  };
  const siftUp = (start: number): void => {
    for (let at = start; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!comesFirst(at, parent)) return;
      swap(at, parent);
      at = parent;
    }
  };
  const siftDown = (): void => {
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const child = comesFirst(right, left) ? right : left;
      if (!comesFirst(child, at)) return;
      swap(child, at);
      at = child;
    }
  };
  return {
    push(item) {
      items.push(item);
      siftUp(items.length - 1);
    },
    peek: () => items[0],
    pop() {
      const first = items[0];
      const last = items.pop();
      if (items.length > 0 && last !== undefined) {
        items[0] = last;
        siftDown();
      }
      return first;
    },
  };
}
