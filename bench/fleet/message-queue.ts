import type { DueConnection, RefreshQueue } from "../../functions/domain/ports/schedule.ts";
import { refreshShards } from "../../functions/domain/schedule/due.ts";
import type { FleetDue } from "./due-calendar.ts";

/** A growing first-in, first-out queue. Its capacity is a power of two, so that a mask gives the index. */
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

/** The maximum of SQS's SendMessageBatch. */
const messagesPerRequest = 10;

export interface MessageQueueOptions {
  readonly integrations: number;
  readonly integrationOf: (connection: number) => number;
  readonly shardOf: (connection: number) => number;
  /** The number of shards from which all sweepers together send at a time. */
  readonly shardsAtATime: number;
  /** Returns the number of received messages that are not deleted. */
  readonly inFlight: () => number;
}

/**
 * The refresh queue. Messages arrive at the rate of the sweepers, from several shards at a time. Delivery
 * is fair as in SQS: integrations alternate, so a long backlog of one does not delay the others.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
 */
export class MessageQueue implements RefreshQueue {
  readonly #options: MessageQueueOptions;
  /** The messages that sweepers have not sent yet, by shard. */
  readonly #toSend = Array.from({ length: refreshShards }, () => new NumberRing());
  readonly #shardsSending = new NumberRing();
  readonly #shardsToSend = new NumberRing();
  #toSendCount = 0;
  readonly #waiting: readonly NumberRing[];
  /** The integrations that have messages, in the order of delivery. */
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

  /** The number of messages that are to be sent or received. */
  get length(): number {
    return this.#toSendCount + this.#waitingCount;
  }

  get waiting(): number {
    return this.#waitingCount;
  }

  /** Sends at most `count` messages, a batch from each shard in turn. */
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

  /** Receives the next message. At least one has to be {@link waiting}. @returns its connection */
  take(): number {
    const integration = this.#turns.shift();
    const ring = this.#waiting[integration] as NumberRing;
    const connection = ring.shift();
    if (ring.length > 0) this.#turns.push(integration);
    this.#waitingCount--;
    return connection;
  }
}
