import { relative } from "node:path";
import fc from "fast-check";

/** CI explores more than a person waits for. */
export const isThorough = process.env.CI === "true";

/**
 * The number of runs of a property. Every execution has another seed, so that executions add up. Most of the
 * faults that were planted in the refresh are found within a hundred interleavings. One took three thousand.
 */
const runs = {
  /** One call of a pure function. */
  value: { locally: 1_000, inCi: 10_000 },
  /** Several processes in memory, in an order that fast-check decides. */
  interleaving: { locally: 500, inCi: 5_000 },
  /** Twenty responses over sockets. */
  batch: { locally: 20, inCi: 200 },
} as const;

/**
 * Asserts a property. What fails is printed with its seed, and with the command that replays it:
 *
 *     FC_SEED=… FC_PATH=… npx jest -t '…' test/…
 *
 * @throws {Error} with the smallest counterexample
 */
export function assertProperty<Ts>(
  kind: keyof typeof runs,
  property: fc.IAsyncProperty<Ts>,
): Promise<void>;
export function assertProperty<Ts>(kind: keyof typeof runs, property: fc.IProperty<Ts>): void;
export function assertProperty<Ts>(
  kind: keyof typeof runs,
  property: fc.IAsyncProperty<Ts> | fc.IProperty<Ts>,
): Promise<void> | void {
  const numRuns = isThorough ? runs[kind].inCi : runs[kind].locally;
  const parameters = { numRuns, ...replayed(process.env) };
  if (!property.isAsync()) {
    return fc.assert(property as fc.IProperty<Ts>, {
      ...parameters,
      reporter: (run) => report(run, fc.defaultReportMessage(run)),
    });
  }
  return fc.assert(property as fc.IAsyncProperty<Ts>, {
    ...parameters,
    asyncReporter: async (run) => report(run, await fc.asyncDefaultReportMessage(run)),
  });
}

const replayed = ({ FC_SEED, FC_PATH }: NodeJS.ProcessEnv) =>
  FC_SEED === undefined
    ? {}
    : { seed: Number(FC_SEED), ...(FC_PATH !== undefined && { path: FC_PATH }) };

function report<Ts>(
  { failed, seed, counterexamplePath, errorInstance }: fc.RunDetails<Ts>,
  message = "",
): void {
  if (!failed) return;
  const { currentTestName = "", testPath = "" } = expect.getState();
  const name = currentTestName.replaceAll(/[$()*+.?[\\\]^{|}]/g, "\\$&").replaceAll("'", "'\\''");
  const file = relative(process.cwd(), testPath);
  const command = `FC_SEED=${seed} FC_PATH=${counterexamplePath} npx jest -t '${name}' ${file}`;
  throw new Error(`${message}\n\nTo replay it: ${command}`, { cause: errorInstance });
}
