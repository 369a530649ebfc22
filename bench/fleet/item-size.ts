import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/**
 * Returns the size of an item by DynamoDB's rules: names and values in UTF-8, a number as a byte for two
 * digits and one more, a map as three bytes and one for each member.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export const itemBytes = (item: Readonly<Record<string, AttributeValue>>): number =>
  Object.entries(item).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value),
    0,
  );

function valueBytes({ S, N, B, M }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S);
  if (B !== undefined) return B.byteLength;
  if (N !== undefined) return Math.ceil(N.length / 2) + 1;
  if (M !== undefined) return 3 + itemBytes(M) + Object.keys(M).length;
  throw new RangeError("an item of this service has texts, numbers, bytes and maps of these alone");
}

/** Returns the units of a consistent read: one for each 4 KiB, rounded up. */
export const readUnits = (bytes: number): number => Math.ceil(bytes / 4_096);
/** Returns the units of a write: one for each KiB of the larger of the old and the new item, rounded up. */
export const writeUnits = (bytes: number): number => Math.ceil(bytes / 1_024);
