import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { isoInstant, isoSecond } from "../../domain/model/instant.ts";
import type { Check } from "../../validation/check.ts";
import { type Checks, isObject, type Members, object } from "../../validation/structures.ts";

export type Item = Readonly<Record<string, AttributeValue>>;

/** Checks attributes by name, as the values that they hold. A NULL counts as absent. */
export const attributes = <C extends Checks>(checks: C): Check<Members<C>> => {
  const check = object(checks);
  return (item, place) => check(isObject(item) ? plainValues(item) : item, place);
};

const plainValues = (item: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(item).map(([name, attribute]) => [name, plainValue(attribute)]),
  );

/** Bytes become base64url, and a map keeps its attributes. Null: the type is one that this service does not store. */
function plainValue(attribute: unknown): unknown {
  if (!isObject(attribute)) return null;
  const { NULL, S, N, B, SS, L, M } = attribute;
  if (NULL) return undefined;
  if (B instanceof Uint8Array) return Buffer.from(B).toString("base64url");
  if (N !== undefined) return Number(N);
  return S ?? SS ?? (Array.isArray(L) ? L.map(plainValue) : M) ?? null;
}

export const numberAttribute = (value: number): AttributeValue => ({ N: String(value) });

/** An attribute of an absent value is absent. */
const ifPresent =
  <Value>(attributeOf: (value: Value) => AttributeValue) =>
  (value: Value | undefined): AttributeValue | undefined =>
    value === undefined ? undefined : attributeOf(value);

export const stringAttribute = ifPresent((value: string) => ({ S: value }));
/** For DynamoDB's time to live: whole seconds since the epoch. */
export const epochSecondAttribute = ifPresent((instantMs: number) =>
  numberAttribute(Math.floor(instantMs / 1000)),
);
export const instantAttribute = ifPresent((instantMs: number) => ({ S: isoInstant(instantMs) }));
export const secondAttribute = ifPresent((instantMs: number) => ({ S: isoSecond(instantMs) }));

export const withoutUndefined = <Value>(
  members: Readonly<Record<string, Value | undefined>>,
): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(members).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );
