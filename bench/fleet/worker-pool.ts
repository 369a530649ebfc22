import { binaryHeap, type Heap } from "../../bin/local/binary-heap.ts";
import type { MessageQueue } from "./message-queue.ts";
import { secondMs } from "./units.ts";
import { type WorkerOptions, WorkerProcess } from "./worker-process.ts";

/** The duration of an invocation besides its messages. */
const invocationMs = 5;

export interface WorkerPoolSize {
  /** The maximum number of concurrent invocations. */
  readonly maximumConcurrency: number;
  /** The maximum number of messages in an invocation, which handles them concurrently. */
  readonly batchSize: number;
}

interface Slot {
  readonly process: WorkerProcess;
  freeAtMs: number;
  messages: number;
}

/**
 * The concurrent invocations, up to the event source's maximum concurrency. Each handles the messages of a
 * batch concurrently. The process that was idle longest receives the next batch, so that each process
 * handles as few requests as possible.
 */
export class WorkerPool {
  readonly #idleOrder: Heap<Slot> = binaryHeap((one, other) => one.freeAtMs < other.freeAtMs);
  readonly #all: Slot[] = [];
  readonly #size: WorkerPoolSize;
  readonly #workerOptions: WorkerOptions;
  invocations = 0;
  /** The duration of all invocations. */
  durationMs = 0;
  peakConcurrency = 0;

  constructor(size: WorkerPoolSize, workerOptions: WorkerOptions) {
    this.#size = size;
    this.#workerOptions = workerOptions;
  }

  /** The number of reads of client registrations in Secrets Manager, and of holds in the coordination table. */
  get reads(): { readonly registrations: number; readonly holds: number } {
    const sum = (readsOf: (process: WorkerProcess) => number) =>
      this.#all.reduce((total, { process }) => total + readsOf(process), 0);
    return {
      registrations: sum(({ registrations }) => registrations.reads),
      holds: sum(({ knownHolds }) => knownHolds.reads),
    };
  }

  inFlight(nowMs: number): number {
    return this.#busyAt(nowMs).reduce((sum, { messages }) => sum + messages, 0);
  }

  /** Receives and handles messages in the second that begins then, while there are messages and free slots. */
  async work(queue: MessageQueue, beganMs: number): Promise<void> {
    while (queue.waiting > 0) {
      const slot = this.#freeBefore(beganMs + secondMs);
      if (slot === undefined) break;
      const startMs = Math.max(slot.freeAtMs, beganMs);
      let doneMs = startMs;
      slot.messages = Math.min(this.#size.batchSize, queue.waiting);
      for (let i = 0; i < slot.messages; i++) {
        const done = slot.process.work(queue.take(), startMs);
        doneMs = Math.max(doneMs, typeof done === "number" ? done : await done);
      }
      slot.freeAtMs = doneMs + invocationMs;
      this.invocations++;
      this.durationMs += slot.freeAtMs - startMs;
      this.#idleOrder.push(slot);
    }
    this.peakConcurrency = Math.max(this.peakConcurrency, this.#busyAt(beganMs + secondMs).length);
  }

  /** Returns a free slot, or a new one below the maximum concurrency. */
  #freeBefore(untilMs: number): Slot | undefined {
    const idlest = this.#idleOrder.peek();
    if (idlest !== undefined && idlest.freeAtMs < untilMs) return this.#idleOrder.pop();
    if (this.#all.length === this.#size.maximumConcurrency) return undefined;
    const process = new WorkerProcess(this.#all.length, this.#workerOptions);
    const slot = { process, freeAtMs: 0, messages: 0 };
    this.#all.push(slot);
    return slot;
  }

  #busyAt(nowMs: number): readonly Slot[] {
    return this.#all.filter(({ freeAtMs }) => freeAtMs > nowMs);
  }
}
