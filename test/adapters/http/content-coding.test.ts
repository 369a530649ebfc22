import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { decodeContent } from "../../../functions/adapters/http/content-coding.ts";

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
  [undefined, gzipSync(plain)],
  ["identity", gzipSync(plain)],
])("%s is undone", async (coding, body) => {
  expect(await decodeContent(body, coding, limit)).toEqual({ body: plain, isWhole: true });
});

test.each(["gzip", "deflate", "br"])(
  "a body that is not %s after all stays as it came",
  async (coding) => {
    expect(await decodeContent(plain, coding, limit)).toEqual({ body: plain, isWhole: true });
  },
);

test.each([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
] as const)(
  "the front of a %s body that decodes to too much is decoded",
  async (coding, compress) => {
    const much = Array.from({ length: 200 * limit }, (_, i) => (i * 7919) % 997).join();
    const body = compress(Buffer.concat([plain, Buffer.from(much)]));
    const front = await decodeContent(body, coding, limit);
    expect(front.isWhole).toBe(false);
    expect(front.body).toHaveLength(limit);
    expect(front.body.subarray(0, plain.length)).toEqual(plain);
  },
);

test("an unknown coding stays as it came", async () => {
  expect(await decodeContent(plain, "zstd", limit)).toEqual({ body: plain, isWhole: true });
});

test.each([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
] as const)("a cut %s body is decoded as far as it came", async (coding, compress) => {
  const random = Array.from({ length: 200 }, (_, i) => (i * 7919) % 997).join();
  const whole = compress(Buffer.from(random));
  const cut = await decodeContent(whole.subarray(0, whole.length - 20), coding, limit);
  expect(cut.body.length).toBeGreaterThan(100);
  expect(random.startsWith(cut.body.toString())).toBe(true);
});

test.each([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
] as const)("a %s bomb is not decoded past the limit", async (coding, compress) => {
  const bomb = compress(Buffer.alloc(10_000_000));
  const { body, isWhole } = await decodeContent(bomb, coding, limit);
  expect([body.length, isWhole]).toEqual([limit, false]);
});

test.each([3, 11_000])("%s codings are one too many: nothing is decoded", async (count) => {
  const body = gzipSync(gzipSync(gzipSync(plain)));
  const decoded = await decodeContent(body, Array(count).fill("gzip").join(), limit);
  expect(decoded).toEqual({ body, isWhole: true });
});
