import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Readable } from "node:stream";

export interface Child<Ready> {
  /** The value that the child reported when it was ready. */
  readonly ready: Ready;
  /** @throws {Error} if the operation fails, or the child has exited */
  call<Result>(operation: string, input?: unknown): Promise<Result>;
  /** Kills the child. Resolves when it has exited. */
  kill(): Promise<void>;
  /** Disconnects the child, which then exits by itself, so that `--cpu-prof` writes its profile. */
  dismiss(): Promise<void>;
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The Node.js options of the child, e.g. `--cpu-prof`. */
  readonly execArgv?: readonly string[];
  /** Receives each line that the child writes. @default stdout is ignored */
  readonly onLine?: (line: string) => void;
}

/** The messages between parent and child. */
export type Call = { readonly id: number; readonly operation: string; readonly input: unknown };
export type Message =
  | { readonly kind: "ready"; readonly ready: unknown }
  | { readonly kind: "response"; readonly id: number; readonly response: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly reason: string };

const running = new Set<ChildProcess>();
const shownBytes = 4_000;

/**
 * Starts a module of this directory in a separate process, and waits until it is ready. The child exits
 * when this process exits (child.ts).
 *
 * @throws {Error} with the child's stderr, if it exits before it is ready
 */
export async function startChild<Ready>(
  module: string,
  { env = {}, execArgv = [], onLine }: ChildOptions = {},
): Promise<Child<Ready>> {
  const child = fork(join("bench/load", module), {
    env: { ...process.env, ...env },
    execArgv: [...execArgv],
    stdio: ["ignore", onLine === undefined ? "ignore" : "pipe", "pipe", "ipc"],
  });
  running.add(child);
  const written = tailOf(child.stderr as Readable);
  if (onLine !== undefined) {
    for (const stream of [child.stdout, child.stderr]) eachLine(stream as Readable, onLine);
  }
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const ready = Promise.withResolvers<unknown>();
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const died = (): Error => new Error(`${module} has exited: ${written()}`);
  ended.then(() => {
    running.delete(child);
    ready.reject(died());
    for (const { reject } of waiting.values()) reject(died());
  });
  child.on("message", (message: Message) => {
    if (message.kind === "ready") return ready.resolve(message.ready);
    const pending = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.kind === "response") pending?.resolve(message.response);
    else pending?.reject(new Error(`${module}: ${message.reason}`));
  });
  let lastId = 0;
  return {
    ready: (await ready.promise) as Ready,
    call: <Result>(operation: string, input?: unknown) => {
      const pending = Promise.withResolvers<unknown>();
      if (!child.connected) return Promise.reject(died());
      const id = ++lastId;
      waiting.set(id, pending);
      child.send({ id, operation, input } satisfies Call, (error) => {
        if (error) pending.reject(died());
      });
      return pending.promise as Promise<Result>;
    },
    kill() {
      child.kill("SIGKILL");
      return ended;
    },
    dismiss() {
      child.disconnect();
      return ended;
    },
  };
}

/** Kills every child process that has not exited. */
export function endChildren(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** Keeps the end of a stream for error texts. */
function tailOf(stream: Readable): () => string {
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-shownBytes);
  });
  return () => text.trim();
}

function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = "";
  stream.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  });
}
