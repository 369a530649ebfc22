/** ISO 8601 in UTC to the millisecond: one width, so that strings compare as instants do. */
export const isoInstant = (instantMs: number): string => new Date(instantMs).toISOString();

/** The earlier of two instants; the known one, where the other is unknown. */
export const earlier = (
  oneMs: number | undefined,
  otherMs: number | undefined,
): number | undefined =>
  oneMs === undefined || otherMs === undefined ? (oneMs ?? otherMs) : Math.min(oneMs, otherMs);

/** ISO 8601 in UTC to the second, `2025-10-19T12:00:00Z`: rounded down, so that a token never seems to live longer. */
export const isoSecond = (instantMs: number): string =>
  isoInstant(instantMs).replace(/\.\d{3}Z$/, "Z");
