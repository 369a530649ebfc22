import { binaryHeap, type Heap } from "./binary-heap.ts";

/**
 * Those who wait for their turn, each of a group. First come, first served, except that a noisy group
 * is passed over as long as anyone else waits. Whoever has no group is one of their own.
 */
export interface FairLine<Item> {
  join(item: Item, groupId: string | undefined): void;
  /** Takes out whose turn it is; those who have left meanwhile are passed by. */
  next(): Item | undefined;
  /** One more of the group, or one less, is being worked on. */
  worksOn(groupId: string | undefined, change: 1 | -1): void;
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

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html
const noisyInFlight = 30;
const noisyShare = 0.1;

/** @param stands whether an item that joined still waits */
export function fairLine<Item>(stands: (item: Item) => boolean): FairLine<Item> {
  const groups = new Map<string | undefined, Group<Item>>();
  const comesFirst = (one: Place<Item>, other: Place<Item>): boolean => one.serial < other.serial;
  /** The first of each group. At most nine groups have a tenth of the work each: few are passed over. */
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
  /** Takes the first of a group away, and brings up the next. */
  const advance = ({ places }: Group<Item>): void => {
    places.pop();
    const head = places.peek();
    if (head !== undefined) heads.push(head);
  };

  return {
    join(item, groupId) {
      const group = groupOf(groupId);
      const place = { serial: ++serial, item, group };
      if (group.places.peek() === undefined) heads.push(place);
      group.places.push(place);
    },
    next() {
      const passedOver: Place<Item>[] = [];
      let chosen: Place<Item> | undefined;
      for (let head = heads.pop(); head !== undefined; head = heads.pop()) {
        if (!stands(head.item)) {
          advance(head.group);
        } else if (isNoisy(head.group)) {
          passedOver.push(head);
        } else {
          chosen = head;
          break;
        }
      }
      // Where all are noisy, the one that is so the least.
      passedOver.sort((one, other) => one.group.inFlight - other.group.inFlight);
      chosen ??= passedOver.shift();
      for (const place of passedOver) heads.push(place);
      if (chosen !== undefined) advance(chosen.group);
      return chosen?.item;
    },
    worksOn(groupId, change) {
      groupOf(groupId).inFlight += change;
      inFlight += change;
    },
  };
}
