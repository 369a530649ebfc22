import type { Message, Question } from "./children.ts";

/**
 * Makes this process one that its parent asks: says that it is ready, answers, and exits when the
 * parent has gone.
 */
export function answerParent(
  ready: unknown,
  answers: Readonly<Record<string, (input: never) => unknown>> = {},
): void {
  const send = (message: Message): void => {
    // A parent that has gone is told nothing.
    process.send?.(message, undefined, undefined, () => {});
  };
  process.once("disconnect", () => process.exit());
  // Ctrl-C reaches every process of the terminal: it is the parent's to say when this one ends.
  process.on("SIGINT", () => {});
  process.on("message", async ({ id, question, input }: Question) => {
    try {
      const answer = answers[question];
      if (answer === undefined) throw new Error(`cannot answer ${question}`);
      send({ kind: "answer", id, answer: await answer(input as never) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      send({ kind: "failure", id, reason });
    }
  });
  send({ kind: "ready", ready });
}

/** Milliseconds of CPU that this process has used. */
export function usedCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
