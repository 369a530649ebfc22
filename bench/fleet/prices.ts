import { readFileSync } from "node:fs";

/** What is paid for; the names in prices.json. */
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
  /** How many of the commodity a tier's dollars are for. */
  readonly per: number;
  /** From nothing up to `upTo` a month, and so on; the last one has no end. */
  readonly tiers: readonly { readonly upTo?: number; readonly usd: number }[];
  readonly source: string;
}

export interface PriceList {
  readonly region: string;
  readonly asOf: string;
  readonly prices: Readonly<Record<Commodity, Price>>;
}

export const readPrices = (path: string): PriceList => JSON.parse(readFileSync(path, "utf8"));

/** Dollars for so many in a month. Free allowances are not counted. */
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
