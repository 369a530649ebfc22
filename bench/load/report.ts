import { sum } from "../statistics.ts";
import type { LossCause } from "./audit.ts";
import type { FaultResult } from "./faults.ts";
import type { SweepCost } from "./sweep-cost.ts";
import type { Measured, Throughput } from "./throughput.ts";

/** The rows of a Markdown table. The first row is the header. */
export type Table = readonly (readonly string[])[];

export const printed = ([header = [], ...rows]: Table): string =>
  [header, header.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

const whole = (value: number): string => value.toFixed(0);
const ms = (value: number): string => `${value.toFixed(2)} ms`;
const ratio = (value: number): string => `${value.toFixed(2)} ×`;

const perSecond = ({ refreshes, seconds }: Measured): number => refreshes / seconds;
const cpuEach = ({ refreshes, cpuMs }: Measured): number => cpuMs / refreshes;

export function throughputTable({ service, bare, processes }: Throughput): Table {
  const compare = (what: string, of: (one: Measured) => number, show: (n: number) => string) => [
    what,
    show(of(service)),
    show(of(bare)),
    ratio(of(service) / of(bare)),
  ];
  const others = Object.keys(service.othersCpuMs).map((name) => [
    `CPU of the ${name} a refresh`,
    ms((service.othersCpuMs[name] ?? 0) / service.refreshes),
    ms((bare.othersCpuMs[name] ?? 0) / bare.refreshes),
    "",
  ]);
  return [
    ["", "this service", "bare loop", "ratio"],
    compare("refreshes a second", perSecond, whole),
    compare("refreshes a second and process", (one) => perSecond(one) / processes, whole),
    compare("CPU of the workers a refresh", cpuEach, ms),
    ...others,
  ];
}

export function sweepTable(costs: readonly SweepCost[]): Table {
  const [small, large] = costs;
  const row = (what: string, of: (cost: SweepCost) => number, show: (n: number) => string) => [
    what,
    ...costs.map((cost) => show(of(cost))),
    small && large ? ratio(of(large) / of(small)) : "",
  ];
  const total = (record: Readonly<Record<string, number>>): number => sum(Object.values(record));
  const operations = Object.keys(small?.requests ?? {});
  return [
    ["1,000 due, stored:", ...costs.map(({ stored }) => stored.toLocaleString("en")), "ratio"],
    row("requests", ({ requests }) => total(requests), whole),
    row("consumed capacity units", ({ capacityUnits }) => total(capacityUnits), String),
    ...operations.map((name) =>
      row(`of these, ${name}`, ({ capacityUnits }) => capacityUnits[name] ?? 0, String),
    ),
    row("time, median", ({ medianMs }) => medianMs, ms),
    row("time, fastest", ({ fastestMs }) => fastestMs, ms),
  ];
}

export function faultTable(results: readonly FaultResult[]): Table {
  const row = (what: string, of: (result: FaultResult) => number | string) => [
    what,
    ...results.map((result) => String(of(result))),
  ];
  const lines = (code: string) => (result: FaultResult) => result.lines[code] ?? 0;
  const lostBy = (cause: LossCause) => (result: FaultResult) =>
    result.lost.filter((loss) => loss.cause === cause).length;
  return [
    ["", ...results.map(({ grace }) => (grace ? "with grace" : "reuse revokes at once"))],
    row("connections", ({ connections }) => connections),
    row("seconds", ({ seconds }) => whole(seconds)),
    row("processes killed", ({ kills }) => kills),
    row("requests throttled", ({ throttled }) => throttled),
    row("token requests refused with 503", ({ provider }) => provider.refused),
    row("token requests without a response", ({ provider }) => provider.hung),
    row("messages lost", ({ vanished }) => vanished),
    row("sweeps that enqueued lost messages again", lines("sweep.caught_up")),
    row("messages returned to the queue", lines("message.returned")),
    row("token sets committed by the rescue queue's worker", lines("rescue.committed")),
    row("token sets kept by the log alone", lines("commit.last_resort")),
    row("token requests with the previous token", ({ provider }) => provider.graced),
    row("**accepted by the provider at the end**", ({ accepted }) => accepted),
    row("lost: killed between rotation and first durable write", lostBy("killed")),
    row("longest of these windows", ({ lost }) => longestMs(lost)),
    row("lost: requested again before its rescue", lostBy("rescued_late")),
    row("**lost for no known cause**", lostBy("unexplained")),
  ];
}

const longestMs = (lost: FaultResult["lost"]): string => {
  const windows = lost.flatMap(({ heldForMs }) => heldForMs ?? []);
  return windows.length === 0 ? "" : `${Math.max(...windows)} ms`;
};
