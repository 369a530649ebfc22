export type Close = () => Promise<void> | void;

/** What has been started, to be closed in reverse order. */
export interface Shutdown {
  add(close: Close): void;
  /** Closes everything, also what comes after something that cannot be closed. */
  run(): Promise<void>;
}

export function shutdown(): Shutdown {
  const closers: Close[] = [];
  return {
    add: (close) => closers.push(close),
    async run() {
      for (const close of closers.splice(0).reverse()) {
        try {
          await close();
        } catch {
          // The process is about to end: what is left open ends with it.
        }
      }
    },
  };
}
