import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { measureCapacity } from "./capacity.ts";
import { chartFigures, drawChart } from "./chart.ts";
import { fleetOptions, usage } from "./options.ts";
import { readPrices } from "./prices.ts";
import { capacityReport, costReport, fleetReport, isolationReport } from "./report.ts";
import { calmDay, troubledDay } from "./scenario.ts";
import { simulate } from "./simulation.ts";
import { integer } from "./tables.ts";
import { secondMs, secondsPerHour } from "./units.ts";

/** Simulates a day of a fleet with faults: docs/scale.md. */

const options = (() => {
  try {
    return fleetOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${usage}`);
    process.exit(2);
  }
})();

const { connections, hours, seed } = options;
/** `workerMaximumConcurrency`: one for each 5,000 connections. An event source has at most 1,000. */
const maximumConcurrency = Math.min(1_000, Math.max(10, Math.ceil(connections / 5_000)));
/** `workerConcurrency` */
const batchSize = 10;
/** A sweep function for each 2.5 million connections. */
const sweepers = Math.max(1, Math.ceil(connections / 2_500_000));
const size = { connections, seed, maximumConcurrency, batchSize, sweepers };

const began = performance.now();
const progress = (what: string) => (hour: number) => {
  const seconds = Math.round((performance.now() - began) / secondMs);
  process.stderr.write(`${what}: hour ${hour}, after ${seconds} s\n`);
};

const prices = readPrices(fileURLToPath(new URL("prices.json", import.meta.url)));
const capacity = await measureCapacity(process.env.TEST_DYNAMODB_ENDPOINT);
console.log(`${capacityReport(capacity)}\n`);

const troubled = await simulate({
  ...{ ...size, hours, scenario: troubledDay },
  progress: progress("a troubled day"),
});
console.log(`${fleetReport(troubled)}\n`);

const outageHours = troubledDay.outage.untilMs / secondMs / secondsPerHour;
if (hours >= outageHours) {
  const calm = await simulate({
    ...{ ...size, hours: outageHours, scenario: calmDay },
    progress: progress("the same without faults"),
  });
  console.log(`${isolationReport(troubled, calm)}\n`);
}
console.log(costReport(troubled, capacity, prices));

if (options.chart !== undefined) {
  const title = `${integer(connections)} connections, ${hours} hours: due, refreshed, late`;
  const figures = chartFigures(title, troubled.minutes);
  writeFileSync(options.chart, drawChart(figures));
  // A test draws the chart again from these figures, and compares.
  writeFileSync(options.chart.replace(/\.svg$/, ".json"), `${JSON.stringify(figures)}\n`);
}
const gigabytes = (process.memoryUsage.rss() / 1e9).toFixed(1);
progress(`done, ${gigabytes} GB`)(hours);
