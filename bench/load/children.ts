import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Readable } from "node:stream";

export interface Child<Ready> {
  /** What it said when it was ready. */
  readonly ready: Ready;
  /** @throws {Error} what the child's response threw, or that it has ended */
  call<Result>(operation: string, input?: unknown): Promise<Result>;
  /** Kills it; resolves when it has ended. */
  kill(): Promise<void>;
  /** Lets it exit by itself, so that `--cpu-prof` writes what it has seen. */
  dismiss(): Promise<void>;
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Of the child's Node.js, such as `--cpu-prof`. */
  readonly execArgv?: readonly string[];
  /** Each line that the child writes. @default what it writes to stdout goes nowhere */
  readonly onLine?: (line: string) => void;
}

/** What passes between parent and child. */
export type Call = { readonly id: number; readonly operation: string; readonly input: unknown };
export type Message =
  | { readonly kind: "ready"; readonly ready: unknown }
  | { readonly kind: "response"; readonly id: number; readonly response: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly reason: string };

const running = new Set<ChildProcess>();
const shownBytes = 4_000;

/**
 * Starts a module of this directory in a process of its own, and waits until it is ready. It ends with
 * this one, however this one ends: what has lost its parent exits (child.ts).
 *
 * @throws {Error} with what it wrote to stderr, if it ends instead
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
  const died = (): Error => new Error(`${module} has ended: ${written()}`);
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

/** Ends every process that was started and has not ended. */
export function endChildren(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** The last of what a stream brings, to be shown when it matters. */
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
