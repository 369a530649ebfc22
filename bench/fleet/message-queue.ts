import type { DueConnection, RefreshQueue } from "../../functions/domain/ports/schedule.ts";
import { refreshShards } from "../../functions/domain/schedule/due.ts";
import type { FleetDue } from "./due-calendar.ts";

/** First in, first out; grows by itself. Its size is a power of two, so that a mask finds the place. */
class NumberRing {
  #numbers = new Int32Array(16);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(number: number): void {
    if (this.#length === this.#numbers.length) this.#grow();
    this.#numbers[(this.#head + this.#length++) & (this.#numbers.length - 1)] = number;
  }

  shift(): number {
    const number = this.#numbers[this.#head] as number;
    this.#head = (this.#head + 1) & (this.#numbers.length - 1);
    this.#length--;
    return number;
  }

  #grow(): void {
    const grown = new Int32Array(this.#numbers.length * 2);
    const tail = this.#numbers.subarray(this.#head);
    grown.set(tail);
    grown.set(this.#numbers.subarray(0, this.#head), tail.length);
    this.#numbers = grown;
    this.#head = 0;
  }
}

/** As many as SQS takes at once. */
const messagesPerRequest = 10;

export interface MessageQueueOptions {
  readonly integrations: number;
  readonly integrationOf: (connection: number) => number;
  readonly shardOf: (connection: number) => number;
  /** Shards that the sweepers together send from at a time. */
  readonly shardsAtATime: number;
  /** Messages that workers have taken and not finished. */
  readonly inFlight: () => number;
}

/**
 * The refresh queue. What is enqueued arrives as fast as sweepers send, from
 * several shards at a time. Delivery is fair as in SQS, where
 * a group that has much waiting does not delay those that have little: integrations take turns.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
 */
export class MessageQueue implements RefreshQueue {
  readonly #options: MessageQueueOptions;
  /** What sweepers have to send, by shard. */
  readonly #toSend = Array.from({ length: refreshShards }, () => new NumberRing());
  readonly #shardsSending = new NumberRing();
  readonly #shardsToSend = new NumberRing();
  #toSendCount = 0;
  readonly #waiting: readonly NumberRing[];
  /** Integrations that have messages, in the order of their turns. */
  readonly #turns = new NumberRing();
  #waitingCount = 0;

  constructor(options: MessageQueueOptions) {
    this.#options = options;
    this.#waiting = Array.from({ length: options.integrations }, () => new NumberRing());
  }

  async enqueue(due: readonly DueConnection[]): Promise<readonly DueConnection[]> {
    const [first] = due as readonly FleetDue[];
    if (first === undefined) return [];
    const shard = this.#options.shardOf(first.connection);
    const ring = this.#toSend[shard] as NumberRing;
    if (ring.length === 0) this.#shardsToSend.push(shard);
    for (const one of due as readonly FleetDue[]) ring.push(one.connection);
    this.#toSendCount += due.length;
    return [];
  }

  async depth(): Promise<number> {
    return this.length + this.#options.inFlight();
  }

  /** Sent, or waiting. */
  get length(): number {
    return this.#toSendCount + this.#waitingCount;
  }

  get waiting(): number {
    return this.#waitingCount;
  }

  /** Sweepers send up to so many: a batch from each shard in turn. */
  arrive(count: number): void {
    for (let left = count; left > 0; ) {
      const { length } = this.#shardsSending;
      if (length < this.#options.shardsAtATime && this.#shardsToSend.length > 0) {
        this.#shardsSending.push(this.#shardsToSend.shift());
        continue;
      }
      if (length === 0) return;
      const shard = this.#shardsSending.shift();
      const ring = this.#toSend[shard] as NumberRing;
      const batch = Math.min(messagesPerRequest, ring.length, left);
      for (let i = 0; i < batch; i++) this.#deliver(ring.shift());
      if (ring.length > 0) this.#shardsSending.push(shard);
      left -= batch;
    }
  }

  #deliver(connection: number): void {
    const integration = this.#options.integrationOf(connection);
    const ring = this.#waiting[integration] as NumberRing;
    if (ring.length === 0) this.#turns.push(integration);
    ring.push(connection);
    this.#toSendCount--;
    this.#waitingCount++;
  }

  /** A connection whose integration has its turn. There has to be one {@link waiting}. */
  take(): number {
    const integration = this.#turns.shift();
    const ring = this.#waiting[integration] as NumberRing;
    const connection = ring.shift();
    if (ring.length > 0) this.#turns.push(integration);
    this.#waitingCount--;
    return connection;
  }
}
