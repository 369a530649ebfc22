import { MisconfiguredRegistration, StoreUnavailable } from "../../domain/model/errors.ts";
import type { Secret } from "../../domain/model/secret.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { TokenEndpoint, TokenRequest } from "../../domain/ports/token-endpoint.ts";
import { lruMap } from "../cache/lru-map.ts";
import { registeredProvider } from "../client-registration/registered-provider.ts";
import { type Lookup, systemLookup } from "../http/connection.ts";
import { type Deadline, deadlineIn } from "../http/deadline.ts";
import type { HttpRequest } from "../http/exchange.ts";
import { httpTransport } from "../http/transport.ts";
import {
  type ServerDiscovery,
  serverDiscovery,
  type Undiscovered,
} from "../issuer-metadata/server-discovery.ts";
import type { AddProof, DpopNonces, RequestTokens } from "./dpop.ts";
import { certificateFor, locateTokenEndpoint, recipientAt } from "./locate-endpoint.ts";
import { registeredEndpoint, registeredOrigin } from "./registered-endpoint.ts";
import { exchangedToken, providerRequest } from "./request/provider-request.ts";
import { refreshTokenRequest } from "./request/refresh-token-request.ts";
import { exchangeResult, withScopeCompared } from "./response/exchange-result.ts";

export interface OauthTokenEndpointDependencies {
  readonly clock: Pick<Clock, "nowMs">;
  /**
   * Permits providers on loopback addresses, over http as well; for a service on one machine.
   * @default false
   */
  readonly allowLoopback?: boolean;
  /** @default the operating system's resolver */
  readonly lookup?: Lookup;
  /** For an issuer's metadata; part of the time of a token request. @default 2500 */
  readonly discoveryTimeoutMs?: number;
}

/** The refresh token grant, RFC 6749 §6. oauth4webapi writes the request; reading the response is ours. */
export function oauthTokenEndpoint({
  clock,
  allowLoopback = false,
  lookup = systemLookup,
  discoveryTimeoutMs: timeoutMs,
}: OauthTokenEndpointDependencies): TokenEndpoint {
  const addresses = allowLoopback ? "public_or_loopback" : "public";
  const exchange = httpTransport({ clock, lookup, addresses });
  const discover = serverDiscovery({ clock, exchange, allowLoopback, timeoutMs });
  const requestOptions: RequestOptions = { clock, allowLoopback, discover };
  const nonces: DpopNonces = lruMap(maximumNonces);

  const requestTokens: RequestTokens = async (request, addProof) => {
    const deadline = deadlineIn(request.timeoutMs);
    try {
      const built = await buildRequest(request, deadline, requestOptions);
      if ("reason" in built) return { result: built };
      const ended = await exchange(await addProof(built));
      const provider = registeredProvider(request.registration);
      const result = exchangeResult(ended, { provider, secrets: secretsOf(request) });
      return {
        result: withScopeCompared(result, request.scope),
        exchanged: { url: built.url, exchange: ended },
      };
    } finally {
      deadline.clear();
    }
  };
  return {
    async refresh(request) {
      const isBound = request.dpopKey ?? request.registration.dpopAlgorithm;
      if (isBound === undefined) return (await requestTokens(request, withoutProof)).result;
      // Most deployments have no such connection and never load the code that signs.
      const { requestBoundTokens } = await import("./dpop.ts");
      return requestBoundTokens(request, requestTokens, { nonces, clock });
    },
    originOf: (registration, config) => registeredOrigin(registration, config, allowLoopback),
  };
}

/** One nonce is kept for each server. */
const maximumNonces = 500;

const withoutProof: AddProof = async (request) => request;

interface RequestOptions
  extends Required<Pick<OauthTokenEndpointDependencies, "clock" | "allowLoopback">> {
  readonly discover: ServerDiscovery;
}

async function buildRequest(
  request: TokenRequest,
  deadline: Deadline,
  { clock, allowLoopback, discover }: RequestOptions,
): Promise<HttpRequest | Undiscovered> {
  const { config, maySend } = request;
  try {
    const located = await locateTokenEndpoint(request.registration, discover, deadline);
    if (located.kind !== "located") return located;
    const { registration } = located;
    const url = registeredEndpoint(registration, config, allowLoopback);
    await request.assertRecipient(recipientAt(url, registration));
    const nowMs = clock.nowMs();
    const clientCertificate = certificateFor(registration, url, nowMs);
    const audience = registration.assertionAudience ?? registration.issuer ?? url.href;
    const refreshToken = exchangedToken(request);
    const assertion = { audience, nowMs };
    const standard = await refreshTokenRequest({ registration, refreshToken }, url, assertion);
    const message = providerRequest({ url, ...standard }, request);
    return { ...message, clientCertificate, deadline, maySend };
  } catch (error) {
    return unbuilt(error);
  }
}

/** @throws the error itself where it is not about the registration or the store */
function unbuilt(error: unknown): Undiscovered {
  if (error instanceof MisconfiguredRegistration) {
    return { kind: "misconfigured", reason: error.message };
  }
  if (!(error instanceof StoreUnavailable)) throw error;
  const { message: reason } = error;
  return { kind: "unavailable", reason, retryAfterMs: undefined, concerns: "connection" };
}

const secretsOf = ({
  registration,
  refreshToken,
  accessToken,
}: TokenRequest): readonly Secret<string>[] =>
  [refreshToken, accessToken, registration.clientSecret].filter((secret) => secret !== undefined);
