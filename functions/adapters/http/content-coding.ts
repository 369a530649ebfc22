import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
} from "node:zlib";
import { boundedBody } from "./bounded-body.ts";
import { type Deadline, deadlineIn } from "./deadline.ts";

export interface DecodingLimits {
  /** The limit for all codings of a body together: each has an equal share. */
  readonly maximumBytes: number;
  readonly timeoutMs: number;
}

export interface DecodedContent {
  /** As much from the front as was decoded. */
  readonly bytes: Buffer;
  /** Other than `whole`: the limit that ended the decoding. */
  readonly ending: "whole" | "too_large" | "timed_out";
}

/** A server has no reason for a second coding; decoding thousands takes a process for seconds. */
export const maximumContentCodings = 2;

type Decoder = ReturnType<typeof createGunzip>;

// A flush instead of a finish: a body that was cut off is decoded as far as it goes.
const zlibOptions = { finishFlush: constants.Z_SYNC_FLUSH };

/** RFC 9110 §8.4.1.2: some servers send "deflate" without its zlib wrapper. */
const isZlibWrapped = (encoded: Buffer): boolean => ((encoded[0] ?? 0) & 0x0f) === 0x08;

const decoders = new Map<string, (encoded: Buffer) => Decoder>([
  ["gzip", () => createGunzip(zlibOptions)],
  ["x-gzip", () => createGunzip(zlibOptions)],
  [
    "deflate",
    (encoded) =>
      isZlibWrapped(encoded) ? createInflate(zlibOptions) : createInflateRaw(zlibOptions),
  ],
  ["br", () => createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH })],
]);

/** RFC 1952 §2.3.1. */
const isGzip = (body: Buffer): boolean => body[0] === 0x1f && body[1] === 0x8b;

/** The codings of a `Content-Encoding` header, in the order in which the server applied them. */
export const contentCodings = (contentEncoding = ""): readonly string[] =>
  contentEncoding
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");

/**
 * Undoes `Content-Encoding` (RFC 9110 §8.4), which a server may use although it was asked not to.
 * Returns a promise only where there is something to decode, for tokens should not wait. A body that is
 * not in the stated coding, in an unknown one or in more than {@link maximumContentCodings} stays as it
 * came: it may be plain. A gzip body is recognised without the header.
 */
export function decodeContent(
  body: Buffer,
  contentEncoding: string | undefined,
  limits: DecodingLimits,
): DecodedContent | Promise<DecodedContent> {
  const stated = contentCodings(contentEncoding);
  const codings = stated.length === 0 && isGzip(body) ? ["gzip"] : stated;
  const undone = codings.length > maximumContentCodings ? [] : codings;
  const known = undone.flatMap((coding) => decoders.get(coding) ?? []).reverse();
  return known.length === 0 ? { bytes: body, ending: "whole" } : decodeEach(body, known, limits);
}

async function decodeEach(
  body: Buffer,
  codings: readonly ((encoded: Buffer) => Decoder)[],
  { maximumBytes, timeoutMs }: DecodingLimits,
): Promise<DecodedContent> {
  const shareBytes = Math.floor(maximumBytes / codings.length);
  const deadline = deadlineIn(timeoutMs);
  let content: DecodedContent = { bytes: body, ending: "whole" };
  try {
    for (const createDecoder of codings) {
      const { bytes } = content;
      const decoded = await decodeOnce(createDecoder(bytes), bytes, shareBytes, deadline);
      if (decoded === "not_in_this_coding") return { ...content, bytes: body };
      content = decoded.ending === "whole" ? { ...content, bytes: decoded.bytes } : decoded;
    }
    return content;
  } finally {
    deadline.clear();
  }
}

/** One coding, off the event loop and 16 KiB at a time. */
function decodeOnce(
  decoder: Decoder,
  encoded: Buffer,
  maximumBytes: number,
  deadline: Deadline,
): Promise<DecodedContent | "not_in_this_coding"> {
  return new Promise((resolve) => {
    const decoded = boundedBody(maximumBytes);
    const end = (ending: DecodedContent["ending"]) => {
      decoder.destroy();
      resolve({ bytes: decoded.bytes(), ending });
    };
    decoder.on("data", (chunk: Buffer) => {
      if (!decoded.add(chunk)) end("too_large");
    });
    decoder.on("end", () => end("whole"));
    decoder.on("error", () => {
      const { length } = decoded.bytes();
      return length > 0 ? end("whole") : resolve("not_in_this_coding");
    });
    deadline.passed.catch(() => end("timed_out"));
    decoder.end(encoded);
  });
}
