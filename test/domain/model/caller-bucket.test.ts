import {
  callerBucketOf,
  maximumCallerBuckets,
  usageKeyOf,
} from "../../../functions/domain/model/caller-bucket.ts";

const buckets = Array.from({ length: maximumCallerBuckets }, (_, bucket) => bucket);

test.each(["a", "main", "a-long-stage-name-20"])(
  "the keys of stage %s have the form that API Gateway asks for, and differ",
  (stage) => {
    const keys = buckets.map((bucket) => usageKeyOf(stage, bucket));
    expect(new Set(keys).size).toBe(maximumCallerBuckets);
    for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9]{20,128}$/);
  },
);

test("no two stages share a key", () => {
  const keys = ["ab", "a-b", "a"].flatMap((stage) => buckets.map((n) => usageKeyOf(stage, n)));
  expect(new Set(keys).size).toBe(3 * maximumCallerBuckets);
});

test("a caller is always in the same bucket, and callers are spread over all of them", () => {
  const callers = Array.from({ length: 6_400 }, (_, n) => `key:k${n}`);
  const counts = new Map<number, number>();
  for (const caller of callers) {
    const bucket = callerBucketOf(caller, maximumCallerBuckets);
    expect(callerBucketOf(caller, maximumCallerBuckets)).toBe(bucket);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  expect([...counts.keys()].sort((a, b) => a - b)).toEqual(buckets);
  expect(Math.max(...counts.values())).toBeLessThan(200);
});
