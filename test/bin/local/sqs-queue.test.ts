import { MessageQueue, type QueueMessage } from "../../../bin/local/sqs-queue.ts";
import { manualClock } from "../../support/local-aws-clients.ts";

const settings = {
  visibilityTimeoutMs: 30_000,
  retentionMs: 345_600_000,
  ...{ delayMs: 0, receiveWaitMs: 0, redrive: undefined },
};

function newQueue() {
  const clock = manualClock();
  const stored = new Map<string, QueueMessage>();
  const queue = new MessageQueue({
    settings: () => settings,
    storage: {
      set: (message) => stored.set(message.id, message),
      delete: (id) => stored.delete(id),
    },
    deadLetterQueue: () => undefined,
    nowMs: clock.nowMs,
  });
  return { clock, stored, queue };
}
function* received(queue: MessageQueue): Generator<QueueMessage> {
  for (let batch = queue.receive(10, undefined); batch.length > 0; ) {
    yield* batch;
    batch = queue.receive(10, undefined);
  }
}

test("twenty thousand messages are each received until they are deleted", () => {
  const { clock, stored, queue } = newQueue();
  const total = 20_000;
  for (let i = 0; i < total; i++) queue.send(String(i), `group-${i % 7}`, undefined);
  const receives = new Array<number>(total).fill(0);
  // Every third message is received twice, every fifteenth three times.
  const needed = (i: number): number => 1 + Number(i % 3 === 0) + Number(i % 15 === 0);
  while (queue.counts().waiting > 0) {
    for (const { id, body, receiveCount } of received(queue)) {
      const i = Number(body);
      receives[i] = (receives[i] ?? 0) + 1;
      if (receiveCount === needed(i)) queue.delete(id, receiveCount);
    }
    clock.advance(settings.visibilityTimeoutMs);
  }
  expect(receives).toEqual(receives.map((_, i) => needed(i)));
  expect(queue.counts()).toEqual({ waiting: 0, delayed: 0, inFlight: 0 });
  expect(stored.size).toBe(0);
});

test("another queue continues with the stored messages", () => {
  const { stored, queue } = newQueue();
  for (const body of ["deleted", "in flight", "waiting"]) queue.send(body, undefined, undefined);
  const [deleted] = queue.receive(2, undefined);
  if (deleted !== undefined) queue.delete(deleted.id, deleted.receiveCount);
  queue.send("delayed", undefined, 60_000);
  const successor = newQueue();
  for (const message of stored.values()) successor.queue.put(message);
  expect(successor.queue.counts()).toEqual({ waiting: 1, delayed: 1, inFlight: 1 });
  successor.clock.advance(60_000);
  const bodies = [...received(successor.queue)].map(({ body }) => body);
  expect(bodies.sort()).toEqual(["delayed", "in flight", "waiting"]);
});
