import { randomUUID } from "node:crypto";
import { binaryHeap } from "./binary-heap.ts";
import { fairQueue } from "./fair-queue.ts";

export interface QueueSettings {
  readonly visibilityTimeoutMs: number;
  readonly retentionMs: number;
  readonly delayMs: number;
  readonly receiveWaitMs: number;
  readonly redrive: RedrivePolicy | undefined;
}

/** Moves a message that has been received `maxReceiveCount` times, instead of delivering it once more. */
export interface RedrivePolicy {
  readonly deadLetterTargetArn: string;
  readonly maxReceiveCount: number;
}

export interface QueueMessage {
  readonly id: string;
  readonly body: string;
  readonly groupId: string | undefined;
  /** The time of the first send. The retention of a dead-letter queue counts from it as well. */
  readonly sentAtMs: number;
  readonly receiveCount: number;
  readonly firstReceivedAtMs: number | undefined;
  /** The end of the message's delay, or of its visibility timeout. */
  readonly hiddenUntilMs: number;
}

export interface QueueOptions {
  readonly settings: () => QueueSettings;
  /** Receives every change, to keep it across restarts. */
  readonly storage: { set(message: QueueMessage): void; delete(id: string): void };
  /** Undefined: the policy's queue does not exist. */
  readonly deadLetterQueue: (policy: RedrivePolicy) => MessageQueue | undefined;
  readonly nowMs: () => number;
}

type Phase = "waiting" | "delayed" | "inFlight";

interface Entry {
  message: QueueMessage;
  /** Undefined: the message is not in the queue. */
  phase: Phase | undefined;
}

/** An entry with the message that it had. It is out of date once the entry has another. */
interface Snapshot {
  readonly entry: Entry;
  readonly message: QueueMessage;
}

interface Timer extends Snapshot {
  readonly atMs: number;
  readonly effect: "visible" | "expired";
}

/**
 * The messages of one standard queue. The cost of an operation grows with the logarithm of their number.
 *
 *     send          delay ends       receive         visibility timeout ends       retention ends
 *     ├┄┄ delayed ┄┄┄┄┤──── waiting ───┤┄┄┄┄ in flight ┄┄┄┄┤──── waiting ─── … ───────┤
 */
export class MessageQueue {
  readonly #options: QueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #timers = binaryHeap<Timer>((one, other) => one.atMs < other.atMs);
  readonly #waiting = fairQueue<Snapshot>(
    ({ entry, message }) => entry.phase === "waiting" && entry.message === message,
  );
  readonly #counts: Record<Phase, number> = { waiting: 0, delayed: 0, inFlight: 0 };
  #changed = Promise.withResolvers<void>();

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** @param delayMs @default the queue's */
  send(
    body: string,
    groupId: string | undefined,
    delayMs: number = this.#options.settings().delayMs,
  ): QueueMessage {
    const sentAtMs = this.#options.nowMs();
    const message: QueueMessage = {
      ...{ id: randomUUID(), body, groupId, sentAtMs },
      ...{ receiveCount: 0, firstReceivedAtMs: undefined, hiddenUntilMs: sentAtMs + delayMs },
    };
    this.put(message);
    return message;
  }

  /** Adds a message as it is. */
  put(message: QueueMessage): void {
    const entry: Entry = { message, phase: undefined };
    this.#entries.set(message.id, entry);
    this.#hide(entry, message, message.receiveCount > 0 ? "inFlight" : "delayed");
    const atMs = message.sentAtMs + this.#options.settings().retentionMs;
    this.#timers.push({ atMs, entry, message, effect: "expired" });
    this.#applyTimers();
  }

  /** @param visibilityTimeoutMs @default the queue's */
  receive(
    maximum: number,
    visibilityTimeoutMs: number = this.#options.settings().visibilityTimeoutMs,
  ): readonly QueueMessage[] {
    this.#applyTimers();
    const nowMs = this.#options.nowMs();
    const received: QueueMessage[] = [];
    while (received.length < maximum) {
      const entry = this.#next();
      if (entry === undefined) break;
      const { message } = entry;
      const inFlight: QueueMessage = {
        ...message,
        receiveCount: message.receiveCount + 1,
        firstReceivedAtMs: message.firstReceivedAtMs ?? nowMs,
        hiddenUntilMs: nowMs + visibilityTimeoutMs,
      };
      this.#hide(entry, inFlight, "inFlight");
      received.push(inFlight);
    }
    return received;
  }

  /** Has no effect unless the receive is the message's latest: another receiver has it otherwise. */
  delete(id: string, receiveCount: number): void {
    const entry = this.#received(id, receiveCount);
    if (entry !== undefined) this.#remove(entry);
  }

  /** @returns false where the message is not in flight under that receive */
  changeVisibility(id: string, receiveCount: number, visibilityTimeoutMs: number): boolean {
    const entry = this.#received(id, receiveCount);
    if (entry?.phase !== "inFlight") return false;
    const hiddenUntilMs = this.#options.nowMs() + visibilityTimeoutMs;
    this.#hide(entry, { ...entry.message, hiddenUntilMs }, "inFlight");
    this.#applyTimers();
    return true;
  }

  purge(): void {
    for (const entry of [...this.#entries.values()]) this.#remove(entry);
  }

  counts(): Readonly<Record<Phase, number>> {
    this.#applyTimers();
    return { ...this.#counts };
  }

  /** No hidden message becomes visible before this time, unless {@link changed} resolves earlier. */
  nextTimerAtMs(): number | undefined {
    return this.#timers.peek()?.atMs;
  }

  /** Resolves when one more message waits, or when the next timer ends earlier than before. */
  changed(): Promise<void> {
    return this.#changed.promise;
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #setPhase(entry: Entry, phase: Phase | undefined): void {
    const { groupId } = entry.message;
    if (entry.phase !== undefined) this.#counts[entry.phase] -= 1;
    if (phase !== undefined) this.#counts[phase] += 1;
    if (entry.phase === "inFlight") this.#waiting.countInFlight(groupId, -1);
    if (phase === "inFlight") this.#waiting.countInFlight(groupId, 1);
    entry.phase = phase;
  }

  #show(entry: Entry): void {
    const { message } = entry;
    this.#setPhase(entry, "waiting");
    this.#waiting.add({ entry, message }, message.groupId);
    this.#notify();
  }

  #hide(entry: Entry, message: QueueMessage, phase: "delayed" | "inFlight"): void {
    entry.message = message;
    this.#options.storage.set(message);
    this.#setPhase(entry, phase);
    const timer: Timer = { atMs: message.hiddenUntilMs, entry, message, effect: "visible" };
    this.#timers.push(timer);
    if (this.#timers.peek() === timer) this.#notify();
  }

  #remove(entry: Entry): void {
    this.#setPhase(entry, undefined);
    this.#entries.delete(entry.message.id);
    this.#options.storage.delete(entry.message.id);
  }

  #applyTimers(): void {
    const nowMs = this.#options.nowMs();
    for (
      let timer = this.#timers.peek();
      timer && timer.atMs <= nowMs;
      timer = this.#timers.peek()
    ) {
      this.#timers.pop();
      const { entry, message, effect } = timer;
      if (entry.phase === undefined) continue;
      if (effect === "expired") this.#remove(entry);
      else if (entry.message === message) this.#show(entry);
    }
  }

  /** The next message that waits. Messages that were received too often move to the dead-letter queue. */
  #next(): Entry | undefined {
    const { redrive } = this.#options.settings();
    const target = redrive && this.#options.deadLetterQueue(redrive);
    for (let head = this.#waiting.next(); head !== undefined; head = this.#waiting.next()) {
      const { entry, message } = head;
      if (!redrive || !target || message.receiveCount < redrive.maxReceiveCount) return entry;
      target.put({ ...message, receiveCount: 0, firstReceivedAtMs: undefined });
      this.#remove(entry);
    }
    return undefined;
  }

  #received(id: string, receiveCount: number): Entry | undefined {
    this.#applyTimers();
    const entry = this.#entries.get(id);
    return entry?.message.receiveCount === receiveCount ? entry : undefined;
  }
}
