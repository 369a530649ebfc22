import { pbkdf2 } from "node:crypto";
import { promisify } from "node:util";
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  type InputType,
} from "node:zlib";
import { contentCodings, decodeContent } from "../../../functions/adapters/http/content-coding.ts";
import { deadlineIn } from "../../../functions/adapters/http/deadline.ts";

const pbkdf2Later = promisify(pbkdf2);
const plain = Buffer.from('{"access_token":"a"}');
const noDeadline = { passed: new Promise<never>(() => {}), clear: () => {} };
const limits = { maximumBytes: 1024, deadline: noDeadline };
const asItCame = { bytes: plain, ending: "whole" };
const numbers = (count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, i) => (i * 7919) % 997).join());

const compressions: readonly [string, (body: InputType) => Buffer][] = [
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
];

test.each([
  ["gzip", gzipSync(plain)],
  ["x-gzip", gzipSync(plain)],
  [" GZIP ", gzipSync(plain)],
  ["deflate", deflateSync(plain)],
  ["deflate", deflateRawSync(plain)],
  ["br", brotliCompressSync(plain)],
  ["deflate, gzip", gzipSync(deflateSync(plain))],
  ["identity, br, identity, gzip,", gzipSync(brotliCompressSync(plain))],
  ["identity", plain],
  ["", plain],
  [undefined, plain],
  [undefined, gzipSync(plain)],
  ["identity", gzipSync(plain)],
])("%s is undone", async (coding, body) => {
  expect(await decodeContent(body, coding, limits)).toEqual(asItCame);
});

test.each(["gzip", "deflate", "br", "deflate, gzip"])(
  "a body that is not %s after all stays as it came",
  async (coding) => {
    expect(await decodeContent(plain, coding, limits)).toEqual(asItCame);
  },
);

test("a body that is only half of what is stated stays as it came", async () => {
  const half = gzipSync(plain);
  expect(await decodeContent(half, "br, gzip", limits)).toEqual({ bytes: half, ending: "whole" });
});

test.each(["zstd", "gzip, deflate, br", Array(10_000).fill("gzip").join()])(
  "an unknown coding and more than two stay as they came: %.20s",
  (coding) => {
    expect(decodeContent(plain, coding, limits)).toEqual(asItCame);
  },
);

test("without a coding the content is there at once", () => {
  expect(decodeContent(plain, "identity", limits)).toEqual(asItCame);
});

test("codings are listed in the order of their application", () => {
  expect(contentCodings("br,, Identity , X-GZIP")).toEqual(["br", "x-gzip"]);
});

describe.each(compressions)("%s", (coding, compress) => {
  const body = compress(Buffer.concat([plain, numbers(200_000)]));

  test("the front of a body that decodes to too much is decoded", async () => {
    const { bytes, ending } = await decodeContent(body, coding, limits);
    expect([bytes.length, ending]).toEqual([limits.maximumBytes, "too_large"]);
    expect(bytes.subarray(0, plain.length)).toEqual(plain);
  });

  test("a body of the permitted length is whole", async () => {
    const longest = numbers(1000).subarray(0, limits.maximumBytes);
    const decoded = await decodeContent(compress(longest), coding, limits);
    expect(decoded).toEqual({ bytes: longest, ending: "whole" });
  });

  test("two codings share the permitted length", async () => {
    const twice = compress(body);
    const { bytes, ending } = await decodeContent(twice, `${coding}, ${coding}`, limits);
    expect(ending).toBe("too_large");
    expect(bytes.length).toBeLessThanOrEqual(limits.maximumBytes / 2);
    expect(plain.subarray(0, bytes.length)).toEqual(bytes.subarray(0, plain.length));
  });

  test("what came of a cut body is decoded", async () => {
    const random = numbers(200);
    const whole = compress(random);
    const { bytes } = await decodeContent(whole.subarray(0, whole.length - 20), coding, limits);
    expect(bytes.length).toBeGreaterThan(100);
    expect(random.subarray(0, bytes.length)).toEqual(bytes);
  });

  test("a bomb is not decoded past the limit", async () => {
    const bomb = compress(Buffer.alloc(10_000_000));
    const { bytes, ending } = await decodeContent(bomb, coding, limits);
    expect([bytes.length, ending]).toEqual([limits.maximumBytes, "too_large"]);
  });
});

test("what takes too long ends with what was decoded by then", async () => {
  const patient = { maximumBytes: 64 * 1024 * 1024, deadline: deadlineIn(0) };
  const body = gzipSync(Buffer.alloc(patient.maximumBytes));
  const { bytes, ending } = await decodeContent(body, "gzip", patient);
  expect(ending).toBe("timed_out");
  expect(bytes.length).toBeLessThan(patient.maximumBytes);
});

describe("the size of a token response", () => {
  const response = Buffer.from(JSON.stringify({ access_token: "a".repeat(4_000) }));

  test.each([
    ["gzip", gzipSync(response)],
    ["deflate", deflateSync(response)],
    ["br", brotliCompressSync(response)],
    ["gzip, br", brotliCompressSync(gzipSync(response))],
  ])("is decoded at once, whatever occupies the pool of threads: %s", (coding, body) => {
    const roomy = { ...limits, maximumBytes: 1024 * 1024 };
    expect(decodeContent(body, coding, roomy)).toEqual({ bytes: response, ending: "whole" });
  });
});

test("a large body is waited for until the deadline, however long the pool of threads is busy", async () => {
  const body = numbers(100_000);
  const busy = Array.from({ length: 8 }, () => pbkdf2Later("p", "s", 500_000, 64, "sha512"));
  const roomy = { ...limits, maximumBytes: 1024 * 1024 };
  const decoded = await decodeContent(gzipSync(body), "gzip", roomy);
  expect(decoded).toEqual({ bytes: body, ending: "whole" });
  await Promise.all(busy);
});
