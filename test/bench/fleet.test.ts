import { join } from "node:path";
import { chartFigures, drawChart } from "../../bench/fleet/chart.ts";
import type { Figures } from "../../bench/fleet/figures.ts";
import { fleetOptions } from "../../bench/fleet/options.ts";
import { dollarsFor, readPrices } from "../../bench/fleet/prices.ts";
import { calmDay, type Scenario, troubledDay } from "../../bench/fleet/scenario.ts";
import { simulate } from "../../bench/fleet/simulation.ts";

const minuteMs = 60_000;
const connections = 2_000;
const day = (scenario: Scenario, seed: number, hours = 24): Promise<Figures> =>
  simulate({
    connections,
    hours,
    seed,
    scenario,
    maximumConcurrency: 10,
    batchSize: 10,
    sweepers: 1,
  });

describe("a day of a fleet in which things go wrong", () => {
  let figures: Figures;
  beforeAll(async () => {
    figures = await day(troubledDay, 1);
  });

  const expiriesFor = (why: string) => figures.expiries.find(({ reason }) => reason === why);

  test("every connection is refreshed again and again", () => {
    const aDay = (24 * 60) / 42;
    expect(figures.refreshed / connections).toBeGreaterThan(0.9 * aDay);
    expect(figures.refreshed / connections).toBeLessThan(1.1 * aDay);
  });

  test("no token ends before its refresh but for an outage", () => {
    expect(expiriesFor("no outage")?.count).toBe(0);
    expect(expiriesFor("sweep missing")?.count).toBe(0);
  });

  test("while a provider is down its connections alone lose their tokens, and none is left behind", () => {
    const { count = 0, lastAfterMs = 0 } = expiriesFor("its provider was down") ?? {};
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(0.05 * connections);
    expect(lastAfterMs).toBeLessThan(45 * minuteMs);
  });

  test("what ended while the workers stood still is refreshed within minutes of their return", () => {
    const { count = 0, lastAfterMs = 0 } = expiriesFor("workers stopped") ?? {};
    expect(count).toBeGreaterThan(0);
    expect(lastAfterMs).toBeLessThan(30 * minuteMs);
    expect(figures.minutes.at(-1)?.expired).toBe(0);
  });

  test("the queue holds no more than 1.1 times what is due while nobody takes from it", () => {
    expect(figures.queueOverDue).toBeGreaterThan(0.9);
    expect(figures.queueOverDue).toBeLessThanOrEqual(1.1);
  });

  test("what falls due is spread evenly, hours after all of it was late at once", () => {
    const dueByMinute = figures.minutes.slice(20 * 60, 23 * 60).map(({ due }) => due);
    const mean = dueByMinute.reduce((sum, due) => sum + due, 0) / dueByMinute.length;
    expect(Math.max(...dueByMinute) / mean).toBeLessThan(2);
  });

  test("a provider that is down is asked now and then, not by every connection", () => {
    const { recordFailure, postpone } = figures.storeRequests;
    expect(figures.events["integration.held integrations/integration-3"]).toBeGreaterThan(0);
    expect(postpone).toBeGreaterThan(0);
    expect(recordFailure).toBeLessThan(0.01 * figures.refreshed);
  });

  test("an integration in trouble does not delay the refreshes of others", async () => {
    const calm = await day(calmDay, 1, 3);
    const { latenessInOutage } = figures;
    expect(calm.latenessInOutage.count).toBeGreaterThan(0.8 * latenessInOutage.count);
    expect(latenessInOutage.medianMs - calm.latenessInOutage.medianMs).toBeLessThan(5_000);
    expect(latenessInOutage.p99Ms - calm.latenessInOutage.p99Ms).toBeLessThan(5_000);
  });

  test("a calm day loses no token, holds no integration and puts nothing off", async () => {
    const calm = await day(calmDay, 3, 6);
    expect(calm.expiries.map(({ count }) => count)).toEqual([0, 0, 0, 0]);
    expect(calm.storeRequests.postpone).toBe(0);
    expect(calm.holdWrites).toBe(0);
  });

  test("the same seed gives the same figures, and another one others", async () => {
    const [one, again, other] = await Promise.all([
      day(troubledDay, 7, 4),
      day(troubledDay, 7, 4),
      day(troubledDay, 8, 4),
    ]);
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });
});

describe("what a month costs", () => {
  const prices = readPrices(join(__dirname, "../../bench/fleet/prices.json"));

  test("each price names the page that it is from", () => {
    const sources = Object.values(prices.prices).map(({ source }) => source);
    expect(sources.every((source) => source.startsWith("https://aws.amazon.com/"))).toBe(true);
  });

  test("a tier's price is that of what is in the tier", () => {
    expect(dollarsFor(prices, "kmsRequests", 20_000)).toBeCloseTo(0.06);
    expect(dollarsFor(prices, "loggedGigabytes", 10_000)).toBeCloseTo(5_000);
    expect(dollarsFor(prices, "loggedGigabytes", 60_000)).toBeCloseTo(12_500);
  });
});

test("the chart names its axes, has a legend, and is drawn for light and for dark", () => {
  const minutes = Array.from({ length: 120 }, (_, i) => ({
    ...{ due: i, refreshed: i, expired: i === 60 ? 1_500 : 0, depth: 0 },
  }));
  const svg = drawChart(chartFigures("a title", minutes));
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  expect(svg).toContain("prefers-color-scheme: dark");
  for (const text of ["a title", "connections a second", "hours", "due", "refreshed", "late"]) {
    expect(svg).toContain(`>${text}<`);
  }
});

test.each([
  [["--connections", "many"], /--connections: expected a whole number/],
  [["--hours", "0"], /--hours: expected a whole number/],
  [["--speed", "1"], /--speed/],
])("options that make no sense are named: %j", (args, message) => {
  expect(() => fleetOptions(args)).toThrow(message);
});
