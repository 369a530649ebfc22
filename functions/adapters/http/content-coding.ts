import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  type ZlibOptions,
} from "node:zlib";
import { errorCodeOf } from "./error-code.ts";

/** The decoded body is larger than permitted. */
export class BodyTooLarge extends Error {
  constructor(maximumBytes: number) {
    super(`the body is larger than ${maximumBytes} bytes`);
    this.name = "BodyTooLarge";
  }
}

type Decoder = (body: Buffer, maxOutputLength: number) => Buffer;

// Flushed rather than finished: what came of a body that was cut off is decoded as well.
const zlibOptions = (maxOutputLength: number): ZlibOptions => ({
  maxOutputLength,
  finishFlush: constants.Z_SYNC_FLUSH,
});

const gunzip: Decoder = (body, maxOutputLength) => gunzipSync(body, zlibOptions(maxOutputLength));

/** RFC 9110 §8.4.1.2: some send "deflate" without its zlib wrapper. */
const inflate: Decoder = (body, maxOutputLength) =>
  ((body[0] ?? 0) & 0x0f) === 0x08
    ? inflateSync(body, zlibOptions(maxOutputLength))
    : inflateRawSync(body, zlibOptions(maxOutputLength));

const unbrotli: Decoder = (body, maxOutputLength) =>
  brotliDecompressSync(body, {
    maxOutputLength,
    finishFlush: constants.BROTLI_OPERATION_FLUSH,
  });

const decoders = new Map<string, Decoder>([
  ["gzip", gunzip],
  ["x-gzip", gunzip],
  ["deflate", inflate],
  ["br", unbrotli],
]);

/**
 * As {@link decodeContent}, of as much of the body's front as decodes to what is permitted: half of it,
 * or half of that, and so on.
 */
export function decodeFront(
  body: Buffer,
  contentEncoding: string | undefined,
  maximumBytes: number,
): Buffer {
  for (let length = body.length; length > 0; length = Math.floor(length / 2)) {
    try {
      return decodeContent(body.subarray(0, length), contentEncoding, maximumBytes);
    } catch (error) {
      if (!(error instanceof BodyTooLarge)) throw error;
    }
  }
  return Buffer.alloc(0);
}

/**
 * Undoes `Content-Encoding` (RFC 9110 §8.4), which a server may use although it was asked not to. A
 * body that is not what the header says, or is in a coding that is not known, stays as it came: it
 * may well be plain.
 *
 * @throws {BodyTooLarge} before more than `maximumBytes` are decoded
 */
export function decodeContent(
  body: Buffer,
  contentEncoding: string | undefined,
  maximumBytes: number,
): Buffer {
  const codings = (contentEncoding ?? "").toLowerCase().split(",").reverse();
  try {
    return codings.reduce(
      (decoded, coding) => decoders.get(coding.trim())?.(decoded, maximumBytes) ?? decoded,
      body,
    );
  } catch (error) {
    if (errorCodeOf(error) === "ERR_BUFFER_TOO_LARGE") throw new BodyTooLarge(maximumBytes);
    return body;
  }
}
