import { boundedBody } from "../../../functions/adapters/http/bounded-body.ts";

test("keeps the bytes in their order, up to the limit, and says when there are more", () => {
  const body = boundedBody(10, 100);
  expect([body.add(Buffer.from("abcd")), body.add(Buffer.from("efghij"))]).toEqual([true, true]);
  expect(body.add(Buffer.from("k"))).toBe(false);
  expect(body.bytes().toString()).toBe("abcdefghij");
});

test("keeps the part of a chunk that fits", () => {
  const body = boundedBody(3, 100);
  expect(body.add(Buffer.from("abcdef"))).toBe(false);
  expect(body.bytes().toString()).toBe("abc");
});

test("is at its limit after so many chunks, however small", () => {
  const body = boundedBody(1_000, 3);
  const added = Array.from("abcd", (letter) => body.add(Buffer.from(letter)));
  expect(added).toEqual([true, true, true, false]);
});

test("a million chunks of one byte cost no more memory than the limit", () => {
  const body = boundedBody(1024 * 1024, Number.POSITIVE_INFINITY);
  const chunk = Buffer.from("x");
  for (let i = 0; i < 1024 * 1024; i++) body.add(chunk);
  expect(body.bytes()).toHaveLength(1024 * 1024);
  expect(body.bytes().buffer.byteLength).toBeLessThanOrEqual(1024 * 1024);
});
