import { parseArgs } from "node:util";

export interface LoadOptions {
  readonly parts: ReadonlySet<Part>;
  readonly connections: number;
  /** Of the sweep's larger table. */
  readonly stored: number;
  /** A DynamoDB that runs already; undefined: dynalite, started here. */
  readonly dynamoDbEndpoint: string | undefined;
  /** Where the workers' CPU profiles go. */
  readonly profileDirectory: string | undefined;
}

const parts = ["throughput", "sweep", "faults"] as const;
export type Part = (typeof parts)[number];

export const usage = `npm run bench:load -- [options]

  --connections <n>   of the throughput and of the faults (default 20000)
  --stored <n>        of the larger table whose sweep is measured (default 1000000)
  --throughput, --sweep, --faults
                      these parts alone (default: all, in this order)
  --profile <dir>     writes CPU profiles of the workers there

AWS_ENDPOINT_URL_DYNAMODB names a DynamoDB that runs already, such as DynamoDB Local or dynoxide; without
it dynalite is started, in a process of its own. Tables are named anew, and deleted afterwards.`;

/** @throws {TypeError} an option that there is not, or a number that is none */
export function loadOptions(args: readonly string[], environment: NodeJS.ProcessEnv): LoadOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      connections: { type: "string", default: "20000" },
      stored: { type: "string", default: "1000000" },
      profile: { type: "string" },
      throughput: { type: "boolean", default: false },
      sweep: { type: "boolean", default: false },
      faults: { type: "boolean", default: false },
    },
  });
  const asked = parts.filter((part) => values[part]);
  return {
    parts: new Set(asked.length === 0 ? parts : asked),
    connections: wholeNumber("connections", values.connections),
    stored: wholeNumber("stored", values.stored),
    dynamoDbEndpoint: environment.AWS_ENDPOINT_URL_DYNAMODB || undefined,
    profileDirectory: values.profile,
  };
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1) return value;
  throw new TypeError(`--${name}: expected a whole number, at least 1`);
}
