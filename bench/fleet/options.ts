import { parseArgs } from "node:util";

export interface FleetOptions {
  readonly connections: number;
  readonly hours: number;
  readonly seed: number;
  /** The path of the chart. Undefined: none is written. */
  readonly chart: string | undefined;
}

export const usage =
  "usage: npm run bench:fleet -- [--connections 10000000] [--hours 24] [--seed 1] [--chart docs/scale.svg]";

/** @throws {RangeError} with the name of the invalid option */
export function fleetOptions(args: readonly string[]): FleetOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      connections: { type: "string", default: "10000000" },
      hours: { type: "string", default: "24" },
      seed: { type: "string", default: "1" },
      chart: { type: "string" },
    },
  });
  const integer = (name: "connections" | "hours" | "seed", minimum: number, maximum: number) => {
    const text = values[name];
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    throw new RangeError(`--${name}: expected a whole number, ${minimum} to ${maximum}`);
  };
  return {
    connections: integer("connections", 1_000, 20_000_000),
    hours: integer("hours", 1, 500),
    seed: integer("seed", 0, 0x7fff_ffff),
    chart: values.chart,
  };
}
