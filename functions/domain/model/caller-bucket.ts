import { stableHash } from "./stable-hash.ts";

/** The most buckets that callers are distributed over. */
export const maximumCallerBuckets = 64;

/**
 * The API Gateway key that stands for a bucket of callers in the API's usage plan. It is no credential: the API takes
 * its key from the authorizer alone. A value has 20 to 128 letters and digits and is unique in its account and region,
 * as the stage is.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
 */
export const usageKeyOf = (stage: string, bucket: number): string =>
  `oauthtokenrefresh${Buffer.from(stage).toString("hex")}x${String(bucket).padStart(2, "0")}`;

/** Two callers may share a bucket; one caller is always in the same. */
export const callerBucketOf = (principalId: string, buckets: number): number =>
  stableHash(principalId) % buckets;
