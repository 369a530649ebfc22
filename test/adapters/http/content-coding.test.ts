import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import {
  BodyTooLarge,
  decodeContent,
  decodeFront,
} from "../../../functions/adapters/http/content-coding.ts";

const plain = Buffer.from('{"access_token":"a"}');
const limit = 1024;

test.each([
  ["gzip", gzipSync(plain)],
  ["x-gzip", gzipSync(plain)],
  [" GZIP ", gzipSync(plain)],
  ["deflate", deflateSync(plain)],
  ["deflate", deflateRawSync(plain)],
  ["br", brotliCompressSync(plain)],
  ["deflate, gzip", gzipSync(deflateSync(plain))],
  ["identity", plain],
  ["", plain],
  [undefined, plain],
])("%s is undone", (coding, body) => {
  expect(decodeContent(body, coding, limit)).toEqual(plain);
});

test.each(["gzip", "deflate", "br"])(
  "a body that is not %s after all stays as it came",
  (coding) => {
    expect(decodeContent(plain, coding, limit)).toEqual(plain);
  },
);

test.each([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
] as const)("the front of a %s body that decodes to too much is decoded", (coding, compress) => {
  const much = Array.from({ length: 200 * limit }, (_, i) => (i * 7919) % 997).join();
  const body = compress(Buffer.concat([plain, Buffer.from(much)]));
  expect(() => decodeContent(body, coding, limit)).toThrow(BodyTooLarge);
  const front = decodeFront(body, coding, 64 * limit);
  expect(front.length).toBeLessThanOrEqual(64 * limit);
  expect(front.subarray(0, plain.length)).toEqual(plain);
});

test("an unknown coding stays as it came", () => {
  expect(decodeContent(plain, "zstd", limit)).toEqual(plain);
});

test.each([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
] as const)("what came of a cut %s body is decoded", (coding, compress) => {
  const random = Array.from({ length: 200 }, (_, i) => (i * 7919) % 997).join();
  const whole = compress(Buffer.from(random));
  const decoded = decodeContent(whole.subarray(0, whole.length - 20), coding, limit).toString();
  expect(decoded.length).toBeGreaterThan(100);
  expect(random.startsWith(decoded)).toBe(true);
});

test.each([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
] as const)("a %s bomb is not decoded past the limit", (coding, compress) => {
  const bomb = compress(Buffer.alloc(10_000_000));
  expect(() => decodeContent(bomb, coding, limit)).toThrow(BodyTooLarge);
});
