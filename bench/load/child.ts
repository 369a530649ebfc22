import type { Call, Message } from "./children.ts";

/**
 * Serves the calls of the parent process: reports that this process is ready, responds to each call, and
 * exits when the parent exits.
 */
export function serveParent(
  ready: unknown,
  operations: Readonly<Record<string, (input: never) => unknown>> = {},
): void {
  const send = (message: Message): void => {
    // The callback ignores the error of a send to a parent that has exited.
    process.send?.(message, undefined, undefined, () => {});
  };
  process.once("disconnect", () => process.exit());
  // Ctrl-C reaches every process of the terminal, but the parent decides when this process ends.
  process.on("SIGINT", () => {});
  process.on("message", async ({ id, operation, input }: Call) => {
    try {
      const handle = operations[operation];
      if (handle === undefined) throw new Error(`no operation is named ${operation}`);
      send({ kind: "response", id, response: await handle(input as never) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      send({ kind: "failure", id, reason });
    }
  });
  send({ kind: "ready", ready });
}

/** Returns the CPU time that this process has used. */
export function usedCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
