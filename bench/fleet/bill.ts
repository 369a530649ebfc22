import type { Capacity, MeasuredSize } from "./capacity.ts";
import { type Operation, operations } from "./capacity.ts";
import type { Figures } from "./figures.ts";
import { type Commodity, dollarsFor, type PriceList } from "./prices.ts";
import { secondsPerHour } from "./units.ts";

export interface BillLine {
  readonly what: string;
  readonly commodity: Commodity;
  /** The quantity in a month. */
  readonly quantity: number;
  readonly dollars: number;
}

export interface DynamoDbUnits {
  readonly writes: number;
  readonly reads: number;
}

const hoursPerMonth = 730;
const gigabyte = 1e9;
/** The default of `memoryMib`. */
const memoryGigabytes = 1;
const messagesPerRequest = 10;
/** One line and its metrics: `refresh.refreshed` as the worker writes it, and what CloudWatch adds to each line. */
const loggedBytes = 585 + 2 * 26;
/** A TLS handshake's client side and the request: an assumption. */
const sentBytes = 2_500;
/** The size of an index entry, and DynamoDB's overhead of an item and of an entry. */
const entryBytes = 110 + 2 * 100;
/** The target utilization of auto scaling. */
const provisionedUse = 0.7;
/** The messages that one sweep function sends in a second. */
const sentPerSecond = 10_000;

/** Returns the DynamoDB units of the simulated hours, for one item size. */
export function dynamoDbUnits(
  figures: Figures,
  { page, positionWrite }: Capacity,
  size: MeasuredSize,
): DynamoDbUnits {
  const { storeRequests, sweepRequests, holdReads, holdWrites } = figures;
  const units = (operation: Operation) => storeRequests[operation] * unitsOf(size, operation);
  const writes = operations.filter((operation) => operation !== "read");
  return {
    writes:
      writes.reduce((sum, operation) => sum + units(operation), 0) +
      sweepRequests.positionWrites * positionWrite +
      holdWrites,
    reads:
      units("read") +
      (sweepRequests.entries * page.units) / page.entries +
      // An empty page, and an item that is not there, cost as much as a small one.
      (sweepRequests.pages + sweepRequests.counts) / 2 +
      sweepRequests.positionReads +
      holdReads,
  };
}

/** Returns the measured units of the table, and those of the index as measured or else as documented. */
export function unitsOf({ operations }: MeasuredSize, operation: Operation): number {
  const { measured, documented } = operations[operation];
  return measured.table + (measured.index ?? documented.index);
}

/** Returns the bill of a month of days like the simulated one. */
export function monthlyBill(
  figures: Figures,
  capacity: Capacity,
  size: MeasuredSize,
  prices: PriceList,
): readonly BillLine[] {
  const months = figures.hours / hoursPerMonth;
  const line = (what: string, commodity: Commodity, quantity: number): BillLine => ({
    ...{ what, commodity, quantity },
    dollars: dollarsFor(prices, commodity, quantity),
  });
  const perMonth = (what: string, commodity: Commodity, quantity: number) =>
    line(what, commodity, quantity / months);
  const { writes, reads } = dynamoDbUnits(figures, capacity, size);
  const { connections, enqueued, invocations, sweepers, hours } = figures;
  const sweeps = sweepers * hours * 60;
  const sends = enqueued / messagesPerRequest + figures.sweepRequests.pages;
  const integrations = figures.integrations;
  return [
    perMonth("DynamoDB, write request units", "dynamoDbWrites", writes),
    perMonth("DynamoDB, read request units", "dynamoDbReads", reads),
    line(
      "DynamoDB, GB stored and backed up",
      "storedAndBackedUpGigabytes",
      (connections * (size.bytes + entryBytes)) / gigabyte,
    ),
    perMonth("KMS, requests", "kmsRequests", figures.storeRequests.acquire),
    perMonth("SQS, requests: send, receive, delete", "fairQueueRequests", sends + 2 * invocations),
    perMonth(
      "Lambda, GB-seconds",
      "lambdaGigabyteSeconds",
      memoryGigabytes * (figures.invocationSeconds + enqueued / sentPerSecond),
    ),
    perMonth("Lambda, invocations", "lambdaRequests", invocations + sweeps),
    perMonth("Scheduler, invocations", "scheduledInvocations", sweeps),
    perMonth("Secrets Manager, reads", "secretReads", figures.registrationReads),
    line("Secrets Manager, secrets", "secrets", integrations),
    perMonth(
      "CloudWatch, GB logged",
      "loggedGigabytes",
      (figures.refreshed * loggedBytes) / gigabyte,
    ),
    perMonth("GB sent to providers", "sentGigabytes", (figures.refreshed * sentBytes) / gigabyte),
  ];
}

export interface ProvisionedDynamoDb {
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly dollars: number;
}

/** Returns the capacity for the mean at the target utilization. Burst capacity covers peaks within a minute. */
export function provisionedDynamoDb(
  { writes, reads }: DynamoDbUnits,
  hours: number,
  prices: PriceList,
): ProvisionedDynamoDb {
  const provisioned = (units: number) =>
    Math.ceil(units / (hours * secondsPerHour) / provisionedUse);
  const [writeUnits, readUnits] = [provisioned(writes), provisioned(reads)];
  const dollars =
    dollarsFor(prices, "provisionedWriteHours", writeUnits * hoursPerMonth) +
    dollarsFor(prices, "provisionedReadHours", readUnits * hoursPerMonth);
  return { writeUnits, readUnits, dollars };
}

export const totalOf = (bill: readonly BillLine[]): number =>
  bill.reduce((sum, { dollars }) => sum + dollars, 0);

/** Returns the monthly cost of other designs, with the same refreshes. */
export function alternatives(
  figures: Figures,
  { positionWrite }: Capacity,
  size: MeasuredSize,
  prices: PriceList,
): readonly { readonly what: string; readonly dollars: number }[] {
  const months = figures.hours / hoursPerMonth;
  const { acquire, read, postpone } = figures.storeRequests;
  const writes = (count: number, units: number) =>
    dollarsFor(prices, "dynamoDbWrites", (count * units) / months);
  const reads = (count: number, units: number) =>
    dollarsFor(prices, "dynamoDbReads", (count * units) / months);
  const [leaseUnits, commitUnits] = [unitsOf(size, "acquire"), unitsOf(size, "commit")];
  const indexUnits = commitUnits - size.operations.commit.measured.table;
  const stale = Math.max(0, read - acquire - postpone);
  return [
    {
      what: "windows: positions of the shards",
      dollars: writes(figures.sweepRequests.positionWrites, positionWrite),
    },
    {
      what: "claims: a write for each due item, its index entry unchanged",
      dollars: writes(figures.enqueued, leaseUnits),
    },
    {
      what: "claims: a write that moves each due item in the index",
      dollars: writes(figures.enqueued, leaseUnits + indexUnits),
    },
    { what: "a read before each lease", dollars: reads(read, unitsOf(size, "read")) },
    {
      what: "the lease first: one more write for each held or outdated message",
      dollars: writes(postpone + stale, leaseUnits),
    },
  ];
}
