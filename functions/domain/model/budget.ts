/**
 * How long each part may take; each duration is derived from the one before:
 *
 *     0 s                        15 s         20 s          25 s        29 s
 *     ├── provider responds ───────┤            │             │           │
 *     ├── lease ────────────────────────────────┤             │           │
 *     ├── function: commit retries, rescue ───────────────────┤           │
 *     ├── gateway ────────────────────────────────────────────────────────┤
 */
export interface Budget {
  /** One token request, from the look-up of the host to the last byte of the response. */
  readonly providerTimeoutMs: number;
  readonly leaseMs: number;
  /** The time that a lease and an invocation must have left after a token request, for the commit. */
  readonly commitReserveMs: number;
  /** The end of an invocation, kept for the rescue of a token set and the response to the caller. */
  readonly answerReserveMs: number;
  readonly functionTimeoutMs: number;
}

export const defaultProviderTimeoutSeconds = 15;
/** REST APIs of API Gateway end an integration after 29 s unless a quota is raised. */
export const gatewayTimeoutMs = 29_000;

const leaseMarginMs = 5_000;
const functionMarginMs = 5_000;
const gatewayMarginMs = 1_000;

export const maximumProviderTimeoutSeconds =
  (gatewayTimeoutMs - gatewayMarginMs - functionMarginMs - leaseMarginMs) / 1000;

/** @throws {RangeError} the function could outlive the gateway's timeout */
export function budgetFor(providerTimeoutSeconds: number = defaultProviderTimeoutSeconds): Budget {
  if (!(providerTimeoutSeconds > 0 && providerTimeoutSeconds <= maximumProviderTimeoutSeconds)) {
    throw new RangeError(
      `provider timeout: more than 0 and at most ${maximumProviderTimeoutSeconds} seconds, not ${providerTimeoutSeconds}`,
    );
  }
  const providerTimeoutMs = providerTimeoutSeconds * 1000;
  return {
    providerTimeoutMs,
    leaseMs: providerTimeoutMs + leaseMarginMs,
    commitReserveMs: 2_000,
    answerReserveMs: 1_000,
    functionTimeoutMs: providerTimeoutMs + leaseMarginMs + functionMarginMs,
  };
}
