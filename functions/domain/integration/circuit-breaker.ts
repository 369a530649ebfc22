import { type Connection, keyOf, type RegistrationName } from "../model/connection.ts";
import {
  type HoldReason,
  type IntegrationHold,
  isSameScope,
  type TroubleWindow,
} from "../model/integration-hold.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import type { Clock } from "../ports/clock.ts";
import type { IntegrationHolds, TroubleEvidence } from "../ports/integration.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { TokenEndpoint, TokenResult } from "../ports/token-endpoint.ts";
import { isOpen } from "./agreement.ts";
import { gatherEvidence, type SharedTrouble } from "./gather-evidence.ts";
import { nextHold } from "./hold-duration.ts";
import { afterFailedProbe, isCurrent, isInScope, widestFirst } from "./probe.ts";

/**
 * Draws conclusions from final results for the other connections of a client registration. One result concerns its
 * own connection. It concerns others where several connections agree: {@link agreedScope}.
 *
 *     closed ── connections agree ──▶ open: held until a time
 *       ▲                                  │ the time has come
 *       └─ the probe succeeds ── half-open: one probe
 *                                          │ the probe fails
 *                                          └──▶ open, for longer
 */
export interface CircuitBreaker {
  /** @returns the hold that stands for the connection after its result, if any */
  report(reported: Reported, result: TokenResult): Promise<IntegrationHold | undefined>;
}

/** A token request whose result is final. */
export interface Reported {
  readonly connection: Connection;
  /** The registration that the request was sent with. */
  readonly registration: ClientRegistration;
  readonly permission: {
    /** The hold that the request has passed as its probe. Undefined: there was none. */
    readonly hold: IntegrationHold | undefined;
    /** The windows that this process knew of when it permitted the request. */
    readonly windows: readonly TroubleWindow[];
  };
}

export interface CircuitBreakerDependencies {
  readonly holds: IntegrationHolds;
  readonly evidence: TroubleEvidence;
  readonly tokenEndpoint: Pick<TokenEndpoint, "originOf">;
  readonly clock: Pick<Clock, "nowMs">;
  readonly telemetry: Telemetry;
}

export const circuitBreaker = (dependencies: CircuitBreakerDependencies): CircuitBreaker => ({
  async report(reported, result) {
    const conclusion = conclusionFrom(result);
    if (conclusion === undefined) return undefined;
    if (conclusion === "healthy") {
      await reportSuccess(dependencies, reported);
      return undefined;
    }
    const { registration, permission } = reported;
    const trouble: Trouble = {
      reason: conclusion,
      retryAfterMs: "retryAfterMs" in result ? result.retryAfterMs : undefined,
      isOfClient: result.kind === "rate_limited" && result.concerns === "integration",
    };
    return permission.hold !== undefined && isCurrent(permission.hold, registration)
      ? reportFailedProbe(dependencies, reported, permission.hold, trouble)
      : reportFailure(dependencies, reported, trouble);
  },
});

interface Trouble {
  readonly reason: HoldReason;
  readonly retryAfterMs: number | undefined;
  /** The provider limits the client, whichever connection asks. */
  readonly isOfClient: boolean;
}

/** Undefined: nothing was sent, which says nothing. `healthy`: the provider is there, and knows the client. */
function conclusionFrom(result: TokenResult): HoldReason | "healthy" | undefined {
  if (result.kind === "not_sent" || result.kind === "misconfigured") return undefined;
  if ("concerns" in result && result.concerns === "connection") return "healthy";
  if (result.kind === "client_rejected" || result.kind === "rate_limited") return result.kind;
  return providerFailed(result) ? "provider_failing" : "healthy";
}

/**
 * 5xx, no response, no connection: the provider's trouble, and not this connection's. A success that cannot be
 * read is most likely the registration's, and costs each connection that is asked its refresh token.
 */
const providerFailed = (result: TokenResult): boolean =>
  result.kind === "unavailable" ||
  result.kind === "timed_out" ||
  result.kind === "broken_off" ||
  (result.kind === "unusable" && (result.serverFailed || result.mayHaveRotated === true));

/** Ends the hold that the request has probed, and contradicts the failures of other connections. */
async function reportSuccess(
  { holds, evidence, tokenEndpoint, telemetry, clock }: CircuitBreakerDependencies,
  { connection, registration, permission }: Reported,
): Promise<void> {
  const { name: registrationName } = registration;
  const { hold } = permission;
  if (hold !== undefined && (await holds.lift(registrationName, hold))) {
    const { integration } = connection;
    const { scope } = hold;
    telemetry.emit({ code: "integration.recovered", registrationName, integration, scope });
  }
  const nowMs = clock.nowMs();
  const open = permission.windows.filter((window) => isOpen(window, nowMs));
  if (open.length === 0) return;
  const here = tokenEndpoint.originOf(registration, connection.config)?.origin;
  const contradicted = open.filter(({ origin }) => origin === undefined || origin === here);
  await Promise.all(contradicted.map((window) => evidence.addSuccess(registrationName, window)));
}

async function reportFailedProbe(
  dependencies: CircuitBreakerDependencies,
  { connection, registration }: Reported,
  hold: IntegrationHold,
  { reason, retryAfterMs }: Trouble,
): Promise<IntegrationHold> {
  const cause = { reason, retryAfterMs, registrationVersion: registration.version };
  const next = afterFailedProbe(hold, connection, cause, dependencies.clock.nowMs());
  if (next !== hold) await place(dependencies, connection, registration.name, hold, next);
  return next;
}

async function reportFailure(
  dependencies: CircuitBreakerDependencies,
  { connection, registration }: Reported,
  { reason, retryAfterMs, isOfClient }: Trouble,
): Promise<IntegrationHold | undefined> {
  const { holds, tokenEndpoint, clock } = dependencies;
  const { name, version: registrationVersion } = registration;
  const endpoint = tokenEndpoint.originOf(registration, connection.config);
  if (endpoint === undefined) return undefined;
  const { origin } = endpoint;
  const known = await holds.current(name);
  const [standing] = known.holds
    .filter((hold) => isCurrent(hold, registration) && isInScope(hold.scope, connection, origin))
    .sort(widestFirst);
  // It was placed while this request was under way. No evidence is gathered while a hold stands.
  if (standing !== undefined) return standing;
  const failure = { reason, connection: keyOf(connection), origin };
  const shared: SharedTrouble | undefined = isOfClient
    ? { scope: { origin, workspaceId: undefined }, failing: [failure.connection] }
    : await gatherEvidence(dependencies, name, endpoint, known.windows, failure);
  if (shared === undefined) return undefined;
  const { scope, failing } = shared;
  const cause = { reason, registrationVersion, retryAfterMs, failing };
  const hold = nextHold(scope, cause, undefined, clock.nowMs());
  const outdated = known.holds.find((other) => isSameScope(other.scope, scope));
  await place(dependencies, connection, name, outdated, hold);
  return hold;
}

async function place(
  { holds, telemetry }: CircuitBreakerDependencies,
  { integration }: Connection,
  registrationName: RegistrationName,
  previous: IntegrationHold | undefined,
  hold: IntegrationHold,
): Promise<void> {
  if (!(await holds.replace(registrationName, previous, hold))) return;
  telemetry.emit({ code: "integration.held", registrationName, integration, hold });
}
