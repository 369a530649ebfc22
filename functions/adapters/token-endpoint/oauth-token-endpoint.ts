import { MisconfiguredRegistration, StoreUnavailable } from "../../domain/model/errors.ts";
import type { Secret } from "../../domain/model/secret.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type {
  TokenEndpoint,
  TokenRequest,
  TokenResult,
} from "../../domain/ports/token-endpoint.ts";
import { lruMap } from "../cache/lru-map.ts";
import { registeredProvider } from "../client-registration/registered-provider.ts";
import { type Deadline, deadlineIn } from "../http/deadline.ts";
import type { HttpExchange, HttpRequest } from "../http/exchange.ts";
import { type Lookup, systemLookup } from "../http/provider-connection.ts";
import { defaultMaximumBodyBytes, httpTransport } from "../http/transport.ts";
import {
  type ServerDiscovery,
  serverDiscovery,
  type Undiscovered,
} from "../issuer-metadata/server-discovery.ts";
import type { ProviderBehaviour } from "../provider-catalogue/provider-entry.ts";
import type { AskOnce, DpopNonces, Prove } from "./dpop.ts";
import { certificateFor, locateTokenEndpoint, recipientAt } from "./locate-endpoint.ts";
import { registeredEndpoint, registeredOrigin } from "./registered-endpoint.ts";
import { providerRequest, renewedToken } from "./request/provider-request.ts";
import { refreshTokenRequest } from "./request/refresh-token-request.ts";
import { tokenResult, tokensCutOff } from "./response/token-response.ts";

export interface OauthTokenEndpointDependencies {
  readonly clock: Pick<Clock, "nowMs">;
  /**
   * Permits providers on loopback addresses, over http as well; for a service on one machine.
   * @default false
   */
  readonly allowLoopback?: boolean;
  /** @default the operating system's resolver */
  readonly lookup?: Lookup;
  /** How long an issuer's metadata may take; part of a grant's time. @default 2500 */
  readonly discoveryTimeoutMs?: number;
}

/** The refresh token grant, RFC 6749 §6: oauth4webapi writes the request, what is made of the answer is ours. */
export function oauthTokenEndpoint({
  clock,
  allowLoopback = false,
  lookup = systemLookup,
  discoveryTimeoutMs: timeoutMs,
}: OauthTokenEndpointDependencies): TokenEndpoint {
  const addresses = allowLoopback ? "public_or_loopback" : "public";
  const exchange = httpTransport({ clock, lookup, addresses });
  const discover = serverDiscovery({ clock, exchange, allowLoopback, timeoutMs });
  const writing: Writing = { clock, allowLoopback, discover };
  const nonces: DpopNonces = lruMap(maximumNonces);

  const askOnce: AskOnce = async (request, prove) => {
    const deadline = deadlineIn(request.timeoutMs);
    try {
      const written = await writeRequest(request, deadline, writing);
      if ("reason" in written) return { answer: written };
      const ended = await exchange(await prove(written));
      const answer = withScopeCompared(judge(ended, readerFor(request)), request.scope);
      return { answer, exchanged: { url: written.url, exchange: ended } };
    } finally {
      deadline.clear();
    }
  };
  return {
    async refresh(request) {
      const isBound = request.dpopKey ?? request.registration.dpopAlgorithm;
      if (isBound === undefined) return (await askOnce(request, unproven)).answer;
      // Most deployments have no such connection, and never evaluate the code that signs.
      const { dpopGrant } = await import("./dpop.ts");
      return dpopGrant(request, askOnce, { nonces, clock });
    },
    originOf: (registration, config) => registeredOrigin(registration, config, allowLoopback),
  };
}

/** Servers whose last nonce is kept. */
const maximumNonces = 500;

const unproven: Prove = async (request) => request;

interface Reader {
  readonly provider: ProviderBehaviour;
  /** What was sent, to be cut out of the provider's words. */
  readonly secrets: readonly Secret<string>[];
}

interface Writing
  extends Required<Pick<OauthTokenEndpointDependencies, "clock" | "allowLoopback">> {
  readonly discover: ServerDiscovery;
}

async function writeRequest(
  request: TokenRequest,
  deadline: Deadline,
  { clock, allowLoopback, discover }: Writing,
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
    const refreshToken = renewedToken(request);
    const terms = { audience, nowMs };
    const written = await refreshTokenRequest({ registration, refreshToken }, url, terms);
    const message = providerRequest({ url, ...written }, request);
    return { ...message, clientCertificate, deadline, maySend };
  } catch (error) {
    if (error instanceof MisconfiguredRegistration) {
      return { kind: "misconfigured", reason: error.message };
    }
    if (!(error instanceof StoreUnavailable)) throw error;
    return {
      kind: "unavailable",
      reason: error.message,
      retryAfterMs: undefined,
      concerns: "connection",
    };
  }
}

function judge(exchange: HttpExchange, { provider, secrets }: Reader): TokenResult {
  switch (exchange.kind) {
    case "forbidden":
      return {
        kind: "misconfigured",
        reason: "the host of the token endpoint has no address that may be connected to",
      };
    case "certificate_refused":
      return {
        kind: "client_rejected",
        providerError: `TLS alert ${exchange.alert}`,
        providerErrorDescription: undefined,
      };
    case "unreachable":
      return { kind: "unavailable", reason: exchange.reason, retryAfterMs: undefined };
    case "not_sent":
      return { kind: "not_sent" };
    case "response":
      return tokenResult(exchange.response, secrets, provider);
    case "timed_out":
      return tokensCutOff(exchange.partial, secrets, provider) ?? { kind: "timed_out" };
    case "broken_off":
      return (
        tokensCutOff(exchange.partial, secrets, provider) ?? {
          kind: "broken_off",
          reason: exchange.reason,
        }
      );
    case "too_large":
      return (
        tokensCutOff(exchange.partial, secrets, provider) ?? {
          kind: "unusable",
          reason: `expected tokens, got more than ${defaultMaximumBodyBytes} bytes`,
          serverFailed: false,
        }
      );
  }
}

/** RFC 6749 §6: a provider may narrow the scope, and whoever calls APIs with the token will want to know. */
function withScopeCompared(answer: TokenResult, formerScope: string | undefined): TokenResult {
  if (answer.kind !== "granted" || formerScope === undefined) return answer;
  const { scope } = answer.tokens;
  const scopes = scope?.split(" ");
  const isNarrower = scopes && !formerScope.split(" ").every((former) => scopes.includes(former));
  return isNarrower
    ? { ...answer, notes: [...answer.notes, "the scope is narrower than before"] }
    : answer;
}

const readerFor = (request: TokenRequest): Reader => ({
  provider: registeredProvider(request.registration),
  secrets: secretsOf(request),
});

const secretsOf = ({
  registration,
  refreshToken,
  accessToken,
}: TokenRequest): readonly Secret<string>[] =>
  [refreshToken, accessToken, registration.clientSecret].filter((secret) => secret !== undefined);
