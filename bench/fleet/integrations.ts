import type { RegistrationName } from "../../functions/domain/model/connection.ts";
import type { ClientRegistration } from "../../functions/domain/ports/client-registration.ts";

/**
 * `flaky`: one request in twenty gets 500. `throttling`: half of the requests get 429 with Retry-After, for
 * three minutes in each hour. `failing`: down for an hour. `slow`: each response takes ten seconds.
 * `metered`: the registration has a `maxPerMinute`.
 */
export const behaviours = ["sound", "flaky", "throttling", "failing", "slow", "metered"] as const;
export type Behaviour = (typeof behaviours)[number];

export interface Integration {
  readonly name: string;
  readonly behaviour: Behaviour;
  readonly registration: ClientRegistration;
  /** The number of the first connection. The others follow it. */
  readonly firstConnection: number;
  readonly connections: number;
  readonly medianLatencyMs: number;
}

/** The large integrations, with their fraction of all connections. The long tail has the others. */
const large: readonly { readonly share: number; readonly behaviour: Behaviour }[] = [
  { share: 0.3, behaviour: "sound" },
  { share: 0.2, behaviour: "sound" },
  { share: 0.1, behaviour: "sound" },
  { share: 0.05, behaviour: "failing" },
  { share: 0.03, behaviour: "flaky" },
  { share: 0.03, behaviour: "throttling" },
  { share: 0.005, behaviour: "slow" },
  { share: 0.005, behaviour: "metered" },
];
const longestTail = 500;
const connectionsPerTailIntegration = 200;
const soundLatencyMs = 150;
const slowLatencyMs = 10_000;
/** The limit over the mean rate. */
const meteredHeadroom = 1.5;
const refreshesPerMinute = 1 / 42;

/** Returns a few large integrations, some of which fail, and a long tail in which the n-th has 1/n of the first. */
export function integrationsOf(connections: number): readonly Integration[] {
  const tailLength = Math.min(
    longestTail,
    Math.max(10, Math.floor(connections / connectionsPerTailIntegration)),
  );
  const weights = Array.from({ length: tailLength }, (_, i) => 1 / (i + 1));
  const tailShare = 1 - large.reduce((sum, { share }) => sum + share, 0);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const tail = weights.map((weight) => ({
    share: (tailShare * weight) / total,
    behaviour: "sound" as const,
  }));
  let firstConnection = 0;
  let shareSoFar = 0;
  return [...large, ...tail].map(({ share, behaviour }, i) => {
    shareSoFar += share;
    const end = Math.min(connections, Math.round(connections * shareSoFar));
    const mine = { firstConnection, connections: end - firstConnection };
    firstConnection = end;
    const name = `integration-${i}`;
    return {
      ...{ name, behaviour, ...mine },
      registration: registrationOf(name, behaviour, mine.connections),
      medianLatencyMs: behaviour === "slow" ? slowLatencyMs : soundLatencyMs,
    };
  });
}

const registrationOf = (
  name: string,
  behaviour: Behaviour,
  connections: number,
): ClientRegistration => ({
  name: `integrations/${name}` as RegistrationName,
  version: "1",
  clientId: "fleet",
  clientSecret: undefined,
  tokenEndpointAuthMethod: "none",
  tokenEndpoint: "https://provider.example/token",
  refreshPolicy: "proactive",
  refreshTokenIdleSeconds: undefined,
  refreshTokenAbsoluteSeconds: undefined,
  minimumRefreshIntervalSeconds: undefined,
  maxConcurrent: undefined,
  maxPerMinute:
    behaviour === "metered"
      ? Math.ceil(Math.max(10, connections * refreshesPerMinute * meteredHeadroom))
      : undefined,
  renewsWithAccessToken: false,
  provider: {},
});
