import { readFileSync } from "node:fs";

/** A priced service, as named in prices.json. */
export type Commodity =
  | "dynamoDbWrites"
  | "dynamoDbReads"
  | "provisionedWriteHours"
  | "provisionedReadHours"
  | "storedAndBackedUpGigabytes"
  | "kmsRequests"
  | "fairQueueRequests"
  | "lambdaGigabyteSeconds"
  | "lambdaRequests"
  | "scheduledInvocations"
  | "secretReads"
  | "secrets"
  | "loggedGigabytes"
  | "sentGigabytes";

interface Price {
  /** The quantity that `usd` pays for. */
  readonly per: number;
  /** The tiers of a month in ascending order. The last one has no `upTo`. */
  readonly tiers: readonly { readonly upTo?: number; readonly usd: number }[];
  readonly source: string;
}

export interface PriceList {
  readonly region: string;
  readonly asOf: string;
  readonly prices: Readonly<Record<Commodity, Price>>;
}

export const readPrices = (path: string): PriceList => JSON.parse(readFileSync(path, "utf8"));

/** Returns the price of a quantity in a month, in dollars. Ignores free allowances. */
export function dollarsFor({ prices }: PriceList, commodity: Commodity, quantity: number): number {
  const { per, tiers } = prices[commodity];
  let dollars = 0;
  let from = 0;
  for (const { upTo = Number.POSITIVE_INFINITY, usd } of tiers) {
    const inTier = Math.max(0, Math.min(quantity, upTo) - from);
    dollars += (inTier / per) * usd;
    from = upTo;
  }
  return dollars;
}
