import { Secret } from "../../functions/domain/model/secret.ts";
import type { TokenResult } from "../../functions/domain/ports/token-endpoint.ts";
import type { Integration } from "./integrations.ts";
import { logNormalQuantiles, type Random } from "./random.ts";
import { isThrottling, isWithin, type Scenario } from "./scenario.ts";
import { secondMs, secondsPerHour } from "./units.ts";

export const tokenLifetimeMs = secondsPerHour * secondMs;
/** The worker's timeout for a token request. */
const timeoutMs = 15_000;
const refusalMs = 30;
/** The standard deviation of the latency's logarithm: p99 is about 6.4 times the median. */
const latencySigma = 0.8;
const retryAfterMs = 30_000;

/** The failure of a token request. */
export type Trouble = Exclude<TokenResult, { kind: "granted" }>;

export interface ProviderResponse {
  trouble: Trouble | undefined;
  latencyMs: number;
}

const serverError: Trouble = { kind: "unusable", reason: "status 500", serverFailed: true };
const throttled: Trouble = { kind: "rate_limited", retryAfterMs };
const unavailable: Trouble = { kind: "unavailable", reason: "status 503", retryAfterMs: undefined };
const timedOut: Trouble = { kind: "timed_out" };

/** All providers of the fleet. The response is one object, which is reused for each request. */
export function providers(scenario: Scenario, random: Random) {
  const quantiles = logNormalQuantiles(latencySigma, 4_096, random);
  const response: ProviderResponse = { trouble: undefined, latencyMs: 0 };

  const respond = (trouble: Trouble | undefined, latencyMs: number): ProviderResponse => {
    response.trouble = trouble;
    response.latencyMs = Math.ceil(latencyMs);
    return response;
  };
  const latency = (medianMs: number): number =>
    medianMs * (quantiles[Math.floor(random() * quantiles.length)] ?? 1);

  return {
    request({ behaviour, medianLatencyMs }: Integration, atMs: number): ProviderResponse {
      if (!scenario.isTroubled || behaviour === "sound" || behaviour === "metered") {
        return respond(undefined, latency(scenario.isTroubled ? medianLatencyMs : soundMs));
      }
      switch (behaviour) {
        case "slow":
          return respond(undefined, medianLatencyMs + latency(soundMs));
        case "flaky":
          return respond(random() < 0.05 ? serverError : undefined, latency(medianLatencyMs));
        case "throttling": {
          const isRefused = isThrottling(atMs) && random() < 0.5;
          return isRefused
            ? respond(throttled, refusalMs)
            : respond(undefined, latency(medianLatencyMs));
        }
        case "failing": {
          if (!isWithin(scenario.outage, atMs)) return respond(undefined, latency(medianLatencyMs));
          return random() < 0.5 ? respond(unavailable, refusalMs) : respond(timedOut, timeoutMs);
        }
      }
    },
  };
}

const soundMs = 150;

export type Providers = ReturnType<typeof providers>;

const token = new Secret("token");

/** Returns the result as the adapter reports it. */
export const tokenResult = (trouble: Trouble | undefined, receivedAtMs: number): TokenResult =>
  trouble ?? {
    kind: "granted",
    notes: [],
    tokens: {
      accessToken: token,
      refreshToken: token,
      tokenType: "Bearer",
      scope: undefined,
      expiresAtMs: receivedAtMs + tokenLifetimeMs,
      refreshTokenExpiresAtMs: undefined,
      refreshTokenAbsoluteExpiresAtMs: undefined,
      extra: {},
      receivedAtMs,
    },
  };
