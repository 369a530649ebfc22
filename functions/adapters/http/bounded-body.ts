/** Bytes of a body in the order of their arrival, up to a limit. */
export interface BoundedBody {
  /** Keeps as much of the chunk as the limit permits. False: the body exceeds a limit. */
  add(chunk: Uint8Array): boolean;
  /** The bytes kept so far. */
  bytes(): Buffer;
}

const initialCapacityBytes = 16 * 1024;

/**
 * Copies chunks into one buffer: memory grows with the bytes that arrive, and not with the number of chunks.
 *
 * @param maximumChunks also a limit, for each chunk costs the parser a turn. @default no limit
 */
export function boundedBody(
  maximumBytes: number,
  maximumChunks: number = Number.POSITIVE_INFINITY,
): BoundedBody {
  let kept = Buffer.allocUnsafeSlow(Math.min(initialCapacityBytes, maximumBytes));
  let length = 0;
  let chunks = 0;

  const makeRoomFor = (neededBytes: number): void => {
    if (neededBytes <= kept.length) return;
    const capacityBytes = Math.min(Math.max(neededBytes, 2 * kept.length), maximumBytes);
    const larger = Buffer.allocUnsafeSlow(capacityBytes);
    kept.copy(larger, 0, 0, length);
    kept = larger;
  };

  return {
    add(chunk) {
      const fitting = chunk.subarray(0, maximumBytes - length);
      makeRoomFor(length + fitting.length);
      kept.set(fitting, length);
      length += fitting.length;
      chunks++;
      return fitting.length === chunk.length && chunks <= maximumChunks;
    },
    bytes: () => kept.subarray(0, length),
  };
}
