/** Bytes up to a limit, copied into one buffer: however many chunks they come in, the limit bounds the memory. */
export interface BoundedBody {
  /** False: the limit is reached, and the body has more. The bytes up to the limit are kept. */
  add(chunk: Uint8Array): boolean;
  bytes(): Buffer;
}

const firstCapacityBytes = 16 * 1024;

/** @param maximumChunks a body in more chunks is at its limit as well: each one costs a turn of the parser */
export function boundedBody(maximumBytes: number, maximumChunks: number): BoundedBody {
  let buffer = Buffer.allocUnsafe(Math.min(firstCapacityBytes, maximumBytes));
  let length = 0;
  let chunks = 0;

  const makeRoom = (needed: number): void => {
    if (needed <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.min(Math.max(needed, 2 * buffer.length), maximumBytes));
    buffer.copy(larger, 0, 0, length);
    buffer = larger;
  };

  return {
    add(chunk) {
      const fitting = chunk.subarray(0, maximumBytes - length);
      makeRoom(length + fitting.length);
      buffer.set(fitting, length);
      length += fitting.length;
      chunks++;
      return fitting.length === chunk.length && chunks <= maximumChunks;
    },
    bytes: () => buffer.subarray(0, length),
  };
}
