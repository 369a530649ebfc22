export type Close = () => Promise<void> | void;

/** Closes what was started, in reverse order. */
export interface Shutdown {
  add(close: Close): void;
  /** Closes everything, even after an error. */
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
          // The process ends next, and closes the rest.
        }
      }
    },
  };
}
