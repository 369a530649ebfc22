import { parseArgs } from "node:util";

export interface LoadOptions {
  readonly parts: ReadonlySet<Part>;
  readonly connections: number;
  /** The number of connections in the larger table of the sweep. */
  readonly stored: number;
  /** The endpoint of a running DynamoDB. Undefined: dynalite is started. */
  readonly dynamoDbEndpoint: string | undefined;
  /** The directory for CPU profiles of the workers. Undefined: none are written. */
  readonly profileDirectory: string | undefined;
}

const parts = ["throughput", "sweep", "faults"] as const;
export type Part = (typeof parts)[number];

export const usage = `npm run bench:load -- [options]

  --connections <n>   the connections of the throughput and of the faults (default 20000)
  --stored <n>        the connections in the larger table of the sweep (default 1000000)
  --throughput, --sweep, --faults
                      run only these parts (default: all, in this order)
  --profile <dir>     the directory for CPU profiles of the workers (default: none are written)

Set AWS_ENDPOINT_URL_DYNAMODB to use a running DynamoDB, such as DynamoDB Local or dynoxide. Otherwise
dynalite is started in a separate process. The tables have new names, and are deleted afterwards.`;

/** @throws {TypeError} if an option is unknown, or its value is not a whole number */
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
