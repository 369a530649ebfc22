import { randomUUID } from "node:crypto";
import { binaryHeap } from "./binary-heap.ts";
import { fairLine } from "./fair-line.ts";

export interface QueueSettings {
  readonly visibilityTimeoutMs: number;
  readonly retentionMs: number;
  readonly delayMs: number;
  readonly receiveWaitMs: number;
  readonly redrive: RedrivePolicy | undefined;
}

/** A message that has been received `maxReceiveCount` times goes to the other queue in place of one more receive. */
export interface RedrivePolicy {
  readonly deadLetterTargetArn: string;
  readonly maxReceiveCount: number;
}

export interface QueueMessage {
  readonly id: string;
  readonly body: string;
  readonly groupId: string | undefined;
  /** Of the first send: a dead-letter queue's retention counts from it too. */
  readonly sentAtMs: number;
  readonly receiveCount: number;
  readonly firstReceivedAtMs: number | undefined;
  /** Until then it is delayed, or in the hands of whoever received it last. */
  readonly hiddenUntilMs: number;
}

export interface QueueOptions {
  readonly settings: () => QueueSettings;
  /** Told of every change, so that it can be kept. */
  readonly kept: { set(message: QueueMessage): void; delete(id: string): void };
  readonly deadLetters: (policy: RedrivePolicy) => MessageQueue | undefined;
  readonly nowMs: () => number;
}

export interface MessageQueue {
  /** @param delayMs @default the queue's */
  send(body: string, groupId: string | undefined, delayMs: number | undefined): QueueMessage;
  /** Takes over a message as it is. */
  put(message: QueueMessage): void;
  /** @param visibilityTimeoutMs @default the queue's */
  receive(maximum: number, visibilityTimeoutMs: number | undefined): readonly QueueMessage[];
  /** Does nothing unless that was the message's latest receive: others have it in their hands. */
  delete(id: string, receiveCount: number): void;
  /** @returns false when the message is not in flight under that receive */
  changeVisibility(id: string, receiveCount: number, visibilityTimeoutMs: number): boolean;
  purge(): void;
  counts(): Readonly<Record<Phase, number>>;
  /** No message shows itself before, short of {@link news}. */
  nextTurnAtMs(): number | undefined;
  /** Resolves as soon as one more message waits, or the next turn comes sooner. */
  news(): Promise<void>;
}

type Phase = "waiting" | "delayed" | "inFlight";

interface Entry {
  message: QueueMessage;
  /** Undefined: not in the queue. */
  phase: Phase | undefined;
}

/** An entry as it was; what becomes of it at an instant is void once its message has changed. */
interface Snapshot {
  readonly entry: Entry;
  readonly message: QueueMessage;
}

interface Turn extends Snapshot {
  readonly atMs: number;
  readonly leads: "shown" | "expired";
}

/**
 * The messages of one standard queue, each operation at a cost that grows with the logarithm of their
 * number.
 *
 *     send          delay ends       receive         visibility timeout ends       retention ends
 *     ├┄┄ delayed ┄┄┄┄┤──── waiting ───┤┄┄┄┄ in flight ┄┄┄┄┤──── waiting ─── … ───────┤
 */
export function messageQueue({ settings, kept, deadLetters, nowMs }: QueueOptions): MessageQueue {
  const entries = new Map<string, Entry>();
  const turns = binaryHeap<Turn>((one, other) => one.atMs < other.atMs);
  const line = fairLine<Snapshot>(
    ({ entry, message }) => entry.phase === "waiting" && entry.message === message,
  );
  const counts: Record<Phase, number> = { waiting: 0, delayed: 0, inFlight: 0 };
  let news = Promise.withResolvers<void>();
  const tell = (): void => {
    news.resolve();
    news = Promise.withResolvers();
  };

  const enter = (entry: Entry, phase: Phase | undefined): void => {
    const { groupId } = entry.message;
    if (entry.phase !== undefined) counts[entry.phase] -= 1;
    if (phase !== undefined) counts[phase] += 1;
    if (entry.phase === "inFlight") line.worksOn(groupId, -1);
    if (phase === "inFlight") line.worksOn(groupId, 1);
    entry.phase = phase;
  };
  const show = (entry: Entry): void => {
    const { message } = entry;
    enter(entry, "waiting");
    line.join({ entry, message }, message.groupId);
    tell();
  };
  const hide = (entry: Entry, message: QueueMessage, phase: "delayed" | "inFlight"): void => {
    entry.message = message;
    kept.set(message);
    enter(entry, phase);
    const turn: Turn = { atMs: message.hiddenUntilMs, entry, message, leads: "shown" };
    turns.push(turn);
    if (turns.peek() === turn) tell();
  };
  const remove = (entry: Entry): void => {
    enter(entry, undefined);
    entries.delete(entry.message.id);
    kept.delete(entry.message.id);
  };
  const put = (message: QueueMessage): void => {
    const entry: Entry = { message, phase: undefined };
    entries.set(message.id, entry);
    hide(entry, message, message.receiveCount > 0 ? "inFlight" : "delayed");
    const expiresAtMs = message.sentAtMs + settings().retentionMs;
    turns.push({ atMs: expiresAtMs, entry, message, leads: "expired" });
    catchUp();
  };

  const catchUp = (): void => {
    for (let turn = turns.peek(); turn && turn.atMs <= nowMs(); turn = turns.peek()) {
      turns.pop();
      const { entry, message, leads } = turn;
      if (entry.phase === undefined) continue;
      if (leads === "expired") remove(entry);
      else if (entry.message === message) show(entry);
    }
  };
  /** The next message in line; those that were received too often leave for the dead-letter queue. */
  const next = (): Entry | undefined => {
    const { redrive } = settings();
    const target = redrive && deadLetters(redrive);
    for (let head = line.next(); head !== undefined; head = line.next()) {
      const { entry, message } = head;
      if (!redrive || !target || message.receiveCount < redrive.maxReceiveCount) return entry;
      target.put({ ...message, receiveCount: 0, firstReceivedAtMs: undefined });
      remove(entry);
    }
    return undefined;
  };
  const latest = (id: string, receiveCount: number): Entry | undefined => {
    catchUp();
    const entry = entries.get(id);
    return entry?.message.receiveCount === receiveCount ? entry : undefined;
  };

  return {
    put,
    send(body, groupId, delayMs = settings().delayMs) {
      const sentAtMs = nowMs();
      const message: QueueMessage = {
        ...{ id: randomUUID(), body, groupId, sentAtMs },
        ...{ receiveCount: 0, firstReceivedAtMs: undefined, hiddenUntilMs: sentAtMs + delayMs },
      };
      put(message);
      return message;
    },
    receive(maximum, visibilityTimeoutMs = settings().visibilityTimeoutMs) {
      catchUp();
      const received: QueueMessage[] = [];
      while (received.length < maximum) {
        const entry = next();
        if (entry === undefined) break;
        const { message } = entry;
        const taken = {
          ...message,
          receiveCount: message.receiveCount + 1,
          firstReceivedAtMs: message.firstReceivedAtMs ?? nowMs(),
          hiddenUntilMs: nowMs() + visibilityTimeoutMs,
        };
        hide(entry, taken, "inFlight");
        received.push(taken);
      }
      return received;
    },
    delete(id, receiveCount) {
      const entry = latest(id, receiveCount);
      if (entry !== undefined) remove(entry);
    },
    changeVisibility(id, receiveCount, visibilityTimeoutMs) {
      const entry = latest(id, receiveCount);
      if (entry?.phase !== "inFlight") return false;
      const hiddenUntilMs = nowMs() + visibilityTimeoutMs;
      hide(entry, { ...entry.message, hiddenUntilMs }, "inFlight");
      catchUp();
      return true;
    },
    purge() {
      for (const entry of [...entries.values()]) remove(entry);
    },
    counts() {
      catchUp();
      return { ...counts };
    },
    nextTurnAtMs: () => turns.peek()?.atMs,
    news: () => news.promise,
  };
}
