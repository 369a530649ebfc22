import type { Transform } from "node:stream";
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
} from "node:zlib";

export interface DecodedContent {
  readonly body: Buffer;
  /** False: the decoded content is larger than permitted; `body` is as much of its front. */
  readonly isWhole: boolean;
}

/** More codings than this are no server's, and each costs a pass over the content. */
const maximumCodings = 2;

// Flushed rather than finished: a body that was cut off is decoded as far as it came.
const zlibOptions = { finishFlush: constants.Z_SYNC_FLUSH };

const gunzip = (): Transform => createGunzip(zlibOptions);

/** RFC 9110 §8.4.1.2: some send "deflate" without its zlib wrapper. */
const inflate = (body: Buffer): Transform =>
  ((body[0] ?? 0) & 0x0f) === 0x08 ? createInflate(zlibOptions) : createInflateRaw(zlibOptions);

const unbrotli = (): Transform =>
  createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH });

const decoders = new Map<string, (body: Buffer) => Transform>([
  ["gzip", gunzip],
  ["x-gzip", gunzip],
  ["deflate", inflate],
  ["br", unbrotli],
]);

/**
 * Undoes `Content-Encoding` (RFC 9110 §8.4), which a server may use although it was asked not to. A body
 * that is not what the header says, is in a coding that is not known, or in more than two, stays as it came:
 * it may well be plain. A gzip body is recognised without the header.
 *
 * zlib works on a thread of its own, and stops at the limit: no body keeps the event loop busy.
 *
 * @param maximumBytes for each pass
 */
export async function decodeContent(
  body: Buffer,
  contentEncoding: string | undefined,
  maximumBytes: number,
): Promise<DecodedContent> {
  const codings = codingsOf(body, contentEncoding);
  if (codings.length > maximumCodings) return { body, isWhole: true };
  let decoded: DecodedContent = { body, isWhole: true };
  for (const coding of codings) {
    const decoder = decoders.get(coding);
    if (decoder === undefined) continue;
    const next = await decodeOnce(decoder(decoded.body), decoded.body, maximumBytes);
    if (next === undefined) return { body, isWhole: true };
    decoded = { body: next.body, isWhole: decoded.isWhole && next.isWhole };
  }
  return decoded;
}

/** In the order in which they are undone. */
function codingsOf(body: Buffer, contentEncoding = ""): readonly string[] {
  const stated = contentEncoding
    .toLowerCase()
    .split(",", maximumCodings * 8)
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");
  const isGzip = body[0] === 0x1f && body[1] === 0x8b;
  return stated.length === 0 && isGzip ? ["gzip"] : stated.reverse();
}

/** Undefined: the body is not in this coding. */
function decodeOnce(
  decoder: Transform,
  body: Buffer,
  maximumBytes: number,
): Promise<DecodedContent | undefined> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let length = 0;
    const end = (isWhole: boolean): void => {
      const decoded = Buffer.concat(parts);
      resolve({ body: decoded.subarray(0, maximumBytes), isWhole });
      decoder.destroy();
    };
    decoder.on("data", (part: Buffer) => {
      parts.push(part);
      length += part.length;
      if (length > maximumBytes) end(false);
    });
    decoder.on("end", () => end(true));
    decoder.on("error", () => (length > 0 ? end(true) : resolve(undefined)));
    decoder.end(body);
  });
}
