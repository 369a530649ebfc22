import { binaryHeap, type Heap } from "./binary-heap.ts";

/**
 * Items that wait, first in, first out, except that a noisy group has to wait while others do. An item without a
 * group is never noisy. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html
 */
export interface FairQueue<Item> {
  add(item: Item, groupId: string | undefined): void;
  /** Removes and returns the next item. Items that no longer wait are skipped. */
  next(): Item | undefined;
  /** Counts one more, or one less, of the group's items as in flight. */
  countInFlight(groupId: string | undefined, change: 1 | -1): void;
}

interface Place<Item> {
  readonly serial: number;
  readonly item: Item;
  readonly group: Group<Item>;
}

interface Group<Item> {
  readonly id: string | undefined;
  readonly places: Heap<Place<Item>>;
  inFlight: number;
}

const noisyInFlight = 30;
const noisyShare = 0.1;

/** @param isWaiting false: the item was removed or changed after it was added */
export function fairQueue<Item>(isWaiting: (item: Item) => boolean): FairQueue<Item> {
  const groups = new Map<string | undefined, Group<Item>>();
  const comesFirst = (one: Place<Item>, other: Place<Item>): boolean => one.serial < other.serial;
  /** The first place of each group. At most nine groups can be noisy at once, so that few are skipped. */
  const heads = binaryHeap(comesFirst);
  let serial = 0;
  let inFlight = 0;

  const groupOf = (id: string | undefined): Group<Item> => {
    const group = groups.get(id) ?? { id, places: binaryHeap(comesFirst), inFlight: 0 };
    groups.set(id, group);
    return group;
  };
  const isNoisy = (group: Group<Item>): boolean =>
    group.id !== undefined &&
    group.inFlight >= noisyInFlight &&
    group.inFlight > noisyShare * inFlight;
  /** Removes a group's first place. The group's next place becomes a head. */
  const advance = ({ places }: Group<Item>): void => {
    places.pop();
    const head = places.peek();
    if (head !== undefined) heads.push(head);
  };

  return {
    add(item, groupId) {
      const group = groupOf(groupId);
      const place = { serial: ++serial, item, group };
      if (group.places.peek() === undefined) heads.push(place);
      group.places.push(place);
    },
    next() {
      const noisy: Place<Item>[] = [];
      let chosen: Place<Item> | undefined;
      for (let head = heads.pop(); head !== undefined; head = heads.pop()) {
        if (!isWaiting(head.item)) {
          advance(head.group);
        } else if (isNoisy(head.group)) {
          noisy.push(head);
        } else {
          chosen = head;
          break;
        }
      }
      // If all groups are noisy, the one with the fewest items in flight comes first.
      noisy.sort((one, other) => one.group.inFlight - other.group.inFlight);
      chosen ??= noisy.shift();
      for (const place of noisy) heads.push(place);
      if (chosen !== undefined) advance(chosen.group);
      return chosen?.item;
    },
    countInFlight(groupId, change) {
      groupOf(groupId).inFlight += change;
      inFlight += change;
    },
  };
}
