import { binaryHeap, type Heap } from "../../bin/local/binary-heap.ts";
import type { MessageQueue } from "./message-queue.ts";
import { secondMs } from "./units.ts";
import { type WorkerOptions, WorkerProcess } from "./worker-process.ts";

/** Of an invocation, beside its messages. */
const invocationMs = 5;

export interface WorkerPoolSize {
  /** Invocations at a time. */
  readonly maximumConcurrency: number;
  /** Messages of an invocation, which it works on together. */
  readonly batchSize: number;
}

interface Slot {
  readonly process: WorkerProcess;
  freeAtMs: number;
  messages: number;
}

/**
 * As many invocations at a time as the event source's maximum concurrency allows, each with a batch whose
 * messages are worked on together. The process that has idled longest takes the next batch, so that each process
 * sees as few requests as it can.
 */
export class WorkerPool {
  readonly #idleOrder: Heap<Slot> = binaryHeap((one, other) => one.freeAtMs < other.freeAtMs);
  readonly #all: Slot[] = [];
  readonly #size: WorkerPoolSize;
  readonly #workerOptions: WorkerOptions;
  invocations = 0;
  /** Of all invocations together. */
  durationMs = 0;
  peakConcurrency = 0;

  constructor(size: WorkerPoolSize, workerOptions: WorkerOptions) {
    this.#size = size;
    this.#workerOptions = workerOptions;
  }

  /** Of client registrations from Secrets Manager, and of holds from the coordination table. */
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

  /** Takes what waits, as long as there are messages and slots, in the second that begins then. */
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

  /** A process that is free, or a new one where there is a slot for it. */
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
