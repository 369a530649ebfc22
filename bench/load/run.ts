import { cpus } from "node:os";
import { type Bundles, bundles, type Subject } from "../subjects.ts";
import { endChildren } from "./children.ts";
import { type FaultPlan, runFaults } from "./faults.ts";
import { type LoadOptions, loadOptions, type Part, usage } from "./options.ts";
import { faultTable, printed, sweepTable, type Table, throughputTable } from "./report.ts";
import { measureSweepCost } from "./sweep-cost.ts";
import { measureThroughput } from "./throughput.ts";

/**
 * The load test of the schedule: the deployed function bundles, SQS, a DynamoDB engine and a provider that
 * rotates, each in a separate process.
 */

interface Setting {
  readonly options: LoadOptions;
  readonly functions: Readonly<Record<"worker" | "sweep" | "rescue", Subject>>;
  /** The directory is removed at the end. */
  readonly directory: string;
}

/** The number of connections that suffice where the provider's latency dominates. */
const slowProviderConnections = 4_000;

async function throughput({ options, functions }: Setting): Promise<void> {
  const { dynamoDbEndpoint, profileDirectory, connections } = options;
  const execArgv =
    profileDirectory === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profileDirectory];
  const common = { ...functions, dynamoDbEndpoint, execArgv };
  show(
    "Provider that responds at once, two batches of ten at a time in each process: CPU decides",
    throughputTable(
      await measureThroughput({ ...common, connections, batchesAtATime: 2, responseDelayMs: 0 }),
    ),
  );
  show(
    "Provider that takes 100 ms, one batch of ten at a time in each process, as deployed",
    throughputTable(
      await measureThroughput({
        ...common,
        connections: Math.min(connections, slowProviderConnections),
        batchesAtATime: 1,
        responseDelayMs: 100,
      }),
    ),
  );
}

async function sweep({ options, functions, directory }: Setting): Promise<void> {
  const { dynamoDbEndpoint, stored } = options;
  const costs = await measureSweepCost({
    ...{ dynamoDbEndpoint, directory, sweep: functions.sweep, stored: [10_000, stored] },
  });
  show("Cost of a sweep", sweepTable(costs));
}

const faultTimeLimitMs = 30 * 60_000;

async function faults({ options, functions }: Setting): Promise<void> {
  const plan: Omit<FaultPlan, "grace"> = {
    connections: options.connections,
    dynamoDbEndpoint: options.dynamoDbEndpoint,
    bundles: functions,
    workers: cpus().length,
    throttleMs: 30_000,
    killEveryMs: 4_000,
    killForMs: faultTimeLimitMs,
    vanishing: 100,
    timeLimitMs: faultTimeLimitMs,
  };
  const withGrace = await runFaults({ ...plan, grace: true });
  const without = await runFaults({ ...plan, grace: false });
  show("Faults", faultTable([withGrace, without]));
  if (withGrace.lost.length > 0) throw new Error(`${withGrace.lost.length} connections were lost`);
}

function show(title: string, table: Table): void {
  console.log(`\n${title}\n\n${printed(table)}`);
}

const work: Readonly<Record<Part, (setting: Setting) => Promise<void>>> = {
  throughput,
  sweep,
  faults,
};

async function run(options: LoadOptions, built: Bundles): Promise<void> {
  const [{ model = "" } = {}] = cpus();
  const engine = options.dynamoDbEndpoint === undefined ? "dynalite" : "the DynamoDB given";
  console.log(`Node.js ${process.version}, ${process.platform} ${process.arch}, ${engine}`);
  console.log(`${cpus().length} cores, ${model}`);
  const functions = {
    worker: built.bundle("worker", "functions/lambda/worker.ts"),
    sweep: built.bundle("sweep", "functions/lambda/sweep.ts"),
    rescue: built.bundle("rescue", "functions/lambda/rescue.ts"),
  };
  for (const part of options.parts)
    await work[part]({ options, functions, directory: built.directory });
}

function readOptions(): LoadOptions {
  try {
    return loadOptions(process.argv.slice(2), process.env);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
}

const options = readOptions();
const built = bundles();
process.once("exit", () => {
  endChildren();
  built.remove();
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => process.exit(1));
}
await run(options, built);
process.exit();
