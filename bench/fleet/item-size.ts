import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/**
 * What DynamoDB counts an item as: names and values in UTF-8, a number as a byte for two digits and one
 * more, a map as three bytes and one for each member.
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

/** Of an item up to 4 KiB, read consistently, one; of each further 4 KiB one more. */
export const readUnits = (bytes: number): number => Math.ceil(bytes / 4_096);
/** Of each KiB, of the larger of what was there and what is then. */
export const writeUnits = (bytes: number): number => Math.ceil(bytes / 1_024);
