import {
  brotliDecompressSync,
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  gunzipSync,
  inflateRawSync,
  inflateSync,
} from "node:zlib";
import { boundedBody } from "./bounded-body.ts";
import type { Deadline } from "./deadline.ts";

export interface DecodingLimits {
  /** The limit for all codings of a body together: each has an equal share. */
  readonly maximumBytes: number;
  /** Ends the decoding of a large body. */
  readonly deadline: Deadline;
}

export interface DecodedContent {
  /** As much from the front as was decoded. */
  readonly bytes: Buffer;
  /** Other than `whole`: the limit that ended the decoding. */
  readonly ending: "whole" | "too_large" | "timed_out";
}

/** A server has no reason for a second coding; decoding thousands takes a process for seconds. */
export const maximumContentCodings = 2;

/**
 * The size of a body that is decoded at once, encoded and decoded. Token responses are smaller: they wait for
 * no thread of the pool, which slow look-ups of other hosts may occupy.
 */
const smallBytes = 64 * 1024;

type Decoder = ReturnType<typeof createGunzip>;

interface Coding {
  /** @throws {Error} the body is not in this coding, or decodes to more */
  readonly decode: (encoded: Buffer, maxOutputLength: number) => Buffer;
  readonly createDecoder: (encoded: Buffer) => Decoder;
}

// A flush instead of a finish: a body that was cut off is decoded as far as it goes.
const finishFlush = constants.Z_SYNC_FLUSH;
const brotliFinishFlush = constants.BROTLI_OPERATION_FLUSH;

const gzip: Coding = {
  decode: (encoded, maxOutputLength) => gunzipSync(encoded, { finishFlush, maxOutputLength }),
  createDecoder: () => createGunzip({ finishFlush }),
};

/** RFC 9110 §8.4.1.2: some servers send "deflate" without its zlib wrapper. */
const isZlibWrapped = (encoded: Buffer): boolean => ((encoded[0] ?? 0) & 0x0f) === 0x08;

const deflate: Coding = {
  decode: (encoded, maxOutputLength) =>
    isZlibWrapped(encoded)
      ? inflateSync(encoded, { finishFlush, maxOutputLength })
      : inflateRawSync(encoded, { finishFlush, maxOutputLength }),
  createDecoder: (encoded) =>
    isZlibWrapped(encoded) ? createInflate({ finishFlush }) : createInflateRaw({ finishFlush }),
};

const brotli: Coding = {
  decode: (encoded, maxOutputLength) =>
    brotliDecompressSync(encoded, { finishFlush: brotliFinishFlush, maxOutputLength }),
  createDecoder: () => createBrotliDecompress({ finishFlush: brotliFinishFlush }),
};

const codingsByName = new Map<string, Coding>([
  ["gzip", gzip],
  ["x-gzip", gzip],
  ["deflate", deflate],
  ["br", brotli],
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
 * Undoes `Content-Encoding` (RFC 9110 §8.4), which a server may use although it was asked not to. A promise
 * only for a large body: tokens do not wait for their write. A body that is not in the stated coding, in an
 * unknown one or in more than {@link maximumContentCodings} stays as it came: it may be plain. A gzip body is
 * recognised without the header.
 */
export function decodeContent(
  body: Buffer,
  contentEncoding: string | undefined,
  limits: DecodingLimits,
): DecodedContent | Promise<DecodedContent> {
  const stated = contentCodings(contentEncoding);
  const names = stated.length === 0 && isGzip(body) ? ["gzip"] : stated;
  const undone = names.length > maximumContentCodings ? [] : names;
  const codings = undone.flatMap((name) => codingsByName.get(name) ?? []).reverse();
  if (codings.length === 0) return { bytes: body, ending: "whole" };
  const small = decodedAtOnce(body, codings, Math.min(smallBytes, limits.maximumBytes));
  return small === undefined
    ? decodeEach(body, codings, limits)
    : { bytes: small, ending: "whole" };
}

/** Undefined: the body is too large, or not in these codings. */
function decodedAtOnce(
  body: Buffer,
  codings: readonly Coding[],
  maximumBytes: number,
): Buffer | undefined {
  if (body.length > maximumBytes) return undefined;
  try {
    return codings.reduce((encoded, { decode }) => decode(encoded, maximumBytes), body);
  } catch {
    return undefined;
  }
}

async function decodeEach(
  body: Buffer,
  codings: readonly Coding[],
  { maximumBytes, deadline }: DecodingLimits,
): Promise<DecodedContent> {
  const shareBytes = Math.floor(maximumBytes / codings.length);
  let content: DecodedContent = { bytes: body, ending: "whole" };
  for (const { createDecoder } of codings) {
    const { bytes } = content;
    const decoded = await decodeOnce(createDecoder(bytes), bytes, shareBytes, deadline);
    if (decoded === "not_in_this_coding") return { ...content, bytes: body };
    content = decoded.ending === "whole" ? { ...content, bytes: decoded.bytes } : decoded;
  }
  return content;
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
