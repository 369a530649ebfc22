import {
  alternatives,
  dynamoDbUnits,
  monthlyBill,
  provisionedDynamoDb,
  totalOf,
  unitsOf,
} from "./bill.ts";
import { type Capacity, type MeasuredSize, operations } from "./capacity.ts";
import type { Figures } from "./figures.ts";
import type { Spread } from "./histogram.ts";
import type { PriceList } from "./prices.ts";
import { decimal, dollars, duration, integer, table } from "./tables.ts";
import { secondsPerHour } from "./units.ts";

/** The item size of the bill. */
const billedKib = 3;

/** Prints the capacity that each request consumes, as measured and as documented. */
export function capacityReport({ engine, sizes, page }: Capacity): string {
  const rows = sizes.flatMap((size) =>
    operations.map((operation) => {
      const { measured, documented } = size.operations[operation];
      return [
        `${size.kib} KiB (${size.bytes} bytes)`,
        operation,
        `${measured.table}`,
        `${documented.table}`,
        measured.index === undefined ? "not reported" : `${measured.index}`,
        `${documented.index}`,
      ];
    }),
  );
  const header = ["item", "request", "table", "by the rules", "index", "by the rules"];
  return [
    `Units that each request consumes (engine: ${engine})\n`,
    table(header, rows),
    `\nA page of the sweep, ${page.entries} entries: ${page.units} read units`,
  ].join("\n");
}

/** Prints the figures of the simulated time. */
export function fleetReport(figures: Figures): string {
  const seconds = figures.hours * secondsPerHour;
  const mean = figures.refreshed / seconds;
  const dueByMinute = figures.minutes.map(({ due }) => due);
  const meanDue = dueByMinute.reduce((sum, due) => sum + due, 0) / dueByMinute.length;
  const peakDue = Math.max(...dueByMinute);
  const rows: [string, string][] = [
    ["refreshes", integer(figures.refreshed)],
    ["refreshes a second, mean", decimal(mean)],
    ["refreshes a second, peak", integer(figures.peakPerSecond)],
    ["peak over mean, by the second", decimal(figures.peakPerSecond / mean)],
    ["falling due a minute, peak over mean", decimal(peakDue / meanDue)],
    ["queued messages, maximum", integer(figures.peakDepth)],
    ["queued over due connections while workers were stopped", decimal(figures.queueOverDue)],
    ["worker invocations at a time, mean", decimal(figures.invocationSeconds / seconds)],
    [
      "worker invocations at a time, peak",
      `${integer(figures.peakConcurrency)} of ${integer(figures.maximumConcurrency)}`,
    ],
    [
      "messages an invocation",
      `${decimal(figures.storeRequests.read / figures.invocations)} of ${figures.batchSize}`,
    ],
    [
      "busiest shard of the index, write units a second (limit 1,000)",
      integer(2 * figures.peakShardWritesPerSecond),
    ],
    ["integrations held", integer(figures.events["integration.held"] ?? 0)],
    ["connections postponed", integer(figures.storeRequests.postpone)],
  ];
  return [
    `${integer(figures.connections)} connections, ${figures.hours} hours, seed ${figures.seed}, ${figures.sweepers} sweep functions\n`,
    table(["", ""], rows),
    "\nTokens that expired before their refresh\n",
    expiryTable(figures),
    "\nLateness: the time from a refresh's scheduled time to its end\n",
    latenessTable([
      ["sound, while workers and sweep run", figures.latenessUndisturbed],
      ...Object.entries(figures.lateness),
    ]),
  ].join("\n");
}

function expiryTable({ expiries }: Figures): string {
  const rows = expiries.map(({ reason, count, longestMs, lastAfterMs }) => [
    reason,
    integer(count),
    count === 0 ? "" : duration(longestMs),
    lastAfterMs === undefined ? "" : duration(lastAfterMs),
  ]);
  const header = [
    "reason",
    "tokens",
    "longest without a valid token",
    "last refresh, after the fault ended",
  ];
  return table(header, rows);
}

const latenessTable = (spreads: readonly (readonly [string, Spread])[]): string =>
  table(
    ["integrations", "refreshes", "median", "p99", "p99.9", "maximum"],
    spreads.map(([name, { count, medianMs, p99Ms, p999Ms, maximumMs }]) => [
      name,
      integer(count),
      ...[medianMs, p99Ms, p999Ms, maximumMs].map(duration),
    ]),
  );

/** Prints the lateness of sound integrations in the same hour with and without failing ones. */
export const isolationReport = (troubled: Figures, calm: Figures): string =>
  [
    "Lateness of sound integrations in the hour of the outage\n",
    latenessTable([
      ["one down, one slow, one failing, one throttling", troubled.latenessInOutage],
      ["none of these", calm.latenessInOutage],
    ]),
  ].join("\n");

/** Prints the consumption and its price. */
export function costReport(figures: Figures, capacity: Capacity, prices: PriceList): string {
  const billed = capacity.sizes.find(({ kib }) => kib === billedKib) as MeasuredSize;
  const seconds = figures.hours * secondsPerHour;
  const unitRows = capacity.sizes.map((size) => {
    const units = dynamoDbUnits(figures, capacity, size);
    const provisioned = provisionedDynamoDb(units, figures.hours, prices);
    const perRefresh = (of: number) => decimal(of / figures.refreshed);
    const atPeak = figures.peakPerSecond * (unitsOf(size, "acquire") + unitsOf(size, "commit"));
    return [
      `${size.kib} KiB`,
      perRefresh(units.writes),
      perRefresh(units.reads),
      integer(units.writes / seconds),
      integer(atPeak),
      integer(units.reads / seconds),
      `${integer(provisioned.writeUnits)} and ${integer(provisioned.readUnits)}`,
      dollars(provisioned.dollars),
    ];
  });
  const bill = monthlyBill(figures, capacity, billed, prices);
  const billRows = bill.map((line) => [line.what, integer(line.quantity), dollars(line.dollars)]);
  const onDemand = bill.filter(({ commodity }) => commodity.startsWith("dynamoDb"));
  const provisioned = provisionedDynamoDb(
    dynamoDbUnits(figures, capacity, billed),
    figures.hours,
    prices,
  );
  const withProvisioned = totalOf(bill) - totalOf(onDemand) + provisioned.dollars;
  return [
    "DynamoDB\n",
    table(
      [
        ...["item", "write units a refresh", "read units", "write units a second", "at the peak"],
        ...["read units a second", "provisioned: write and read", "a month"],
      ],
      unitRows,
    ),
    `\nA month, items of ${billedKib} KiB, list prices of ${prices.region}, ${prices.asOf}\n`,
    table(
      ["", "quantity", "a month"],
      [
        ...billRows,
        ["all, DynamoDB on demand", "", dollars(totalOf(bill))],
        ["all, DynamoDB provisioned", "", dollars(withProvisioned)],
      ],
    ),
    "\nDesigns, a month\n",
    table(
      ["", "a month"],
      alternatives(figures, capacity, billed, prices).map(({ what, dollars: cost }) => [
        what,
        dollars(cost),
      ]),
    ),
  ].join("\n");
}
