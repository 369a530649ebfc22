import type { TokenKeySource } from "../adapters/kms/content-keys.ts";
import type { TokenFormat } from "../adapters/kms/token-cipher.ts";
import {
  defaultProviderTimeoutSeconds,
  maximumProviderTimeoutSeconds,
} from "../domain/model/budget.ts";
import { maximumCallerBuckets } from "../domain/model/caller-bucket.ts";
import { defaultGiveUpAfterSeconds, defaultSweepIntervalSeconds } from "../domain/schedule/due.ts";

export interface Limits {
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
}

const day = 24 * 60 * 60;

/**
 * The numbers that a function takes from its environment, in the unit of the variable's name. `lib/settings.ts` offers
 * them to a deployment and says what they are for.
 */
export const limits = {
  PROVIDER_TIMEOUT_SECONDS: {
    default: defaultProviderTimeoutSeconds,
    minimum: 1,
    maximum: maximumProviderTimeoutSeconds,
  },
  COALESCE_WINDOW_SECONDS: { default: 10, minimum: 0, maximum: 300 },
  CLIENT_CACHE_SECONDS: { default: 300, minimum: 0, maximum: day },
  SWEEP_INTERVAL_SECONDS: { default: defaultSweepIntervalSeconds, minimum: 1, maximum: 3_600 },
  GIVE_UP_AFTER_SECONDS: {
    default: defaultGiveUpAfterSeconds,
    minimum: 3_600,
    maximum: 366 * day,
  },
  BRANCH_KEYS: { default: 16, minimum: 1, maximum: 1_000 },
  CALLER_BUCKETS: { default: maximumCallerBuckets, minimum: 1, maximum: maximumCallerBuckets },
  WORKER_CONCURRENCY: { default: 10, minimum: 1, maximum: 100 },
} as const satisfies Record<string, Limits>;

export type LimitedVariable = keyof typeof limits;

/** Secrets Manager's characters for a name, without a slash at either end. */
export const secretPrefixPattern = /^[\w+=.@-]+(?:\/[\w+=.@-]+)*$/;

/** Signatures with a private key, RFC 7518 §3.1 and RFC 8037: a public key set verifies no other. */
export const jwtAlgorithms: readonly string[] = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];
export const defaultJwtAlgorithms: readonly string[] = ["RS256", "PS256", "ES256", "EdDSA"];

export const defaultLogLevel = "INFO";

/** The formats of stored token sets. Both are read. */
export const tokenFormats = [1, 2] as const satisfies readonly TokenFormat[];
/** A release that introduces a format still writes the former one by default, so that it can be rolled back. */
export const defaultTokenFormat = 1;

/** The keys of token sets in format 2: derived from branch keys, or a data key for each connection. */
export const tokenKeySources = [
  "branch",
  "connection",
] as const satisfies readonly TokenKeySource[];
export const defaultTokenKeySource = "branch";
