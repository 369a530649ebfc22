import type { Connection } from "../model/connection.ts";
import { RefreshError } from "../model/errors.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import type { HoldReason, IntegrationHold } from "../ports/integration.ts";
import type { RefreshDependencies } from "../refresh.ts";

/** A caller's leave to ask a provider, in the name of a client registration. */
export interface Permission {
  readonly registration: ClientRegistration;
  /** The hold that the caller was let through on: its answer decides what comes of it. */
  readonly hold: IntegrationHold | undefined;
  /** To be given back once the provider has answered. */
  readonly permitId: string | undefined;
}

/** The integration may not be asked now: for the schedule, from when on, and since when this lasts. */
export class NotPermitted extends RefreshError {
  readonly beganAtMs: number;
  readonly untilMs: number;
  /** Undefined: it is not held, but at its own limits. */
  readonly holdReason: HoldReason | undefined;

  constructor(
    code: "integration_held" | "provider_rate_limited",
    integration: string,
    reason: string,
    { beganAtMs, untilMs, nowMs, holdReason }: NotPermittedContext,
  ) {
    super(code, {
      integration,
      reason: `Integration ${integration}: ${reason}`,
      retryAfterSeconds: Math.max(1, Math.ceil((untilMs - nowMs) / 1000)),
    });
    this.beganAtMs = beganAtMs;
    this.untilMs = untilMs;
    this.holdReason = holdReason;
  }
}

interface NotPermittedContext {
  readonly beganAtMs: number;
  readonly untilMs: number;
  readonly nowMs: number;
  readonly holdReason?: HoldReason;
}

/** While an integration is held, its secret is read this often to see whether it was mended. */
const heldRereadMs = 1_000;

type Admitting = Pick<
  RefreshDependencies,
  "registry" | "holds" | "limits" | "clock" | "random" | "budget" | "newLeaseId" | "telemetry"
>;

/**
 * Asks for leave before a provider is asked: the integration may be held, or at its limits. What is not
 * given back ends with the life of the function, for a grant may begin long after it was admitted,
 * behind somebody else's lease.
 *
 * @param patienceMs how long a turn is waited for that comes soon
 * @throws {NotPermitted} not now
 * @throws {MisconfiguredRegistration}
 * @throws {StoreUnavailable} the registration cannot be read
 */
export async function requestPermission(
  dependencies: Admitting,
  connection: Pick<Connection, "registrationName" | "integration">,
  patienceMs: number,
): Promise<Permission> {
  const { hold, registration } = await passHold(dependencies, connection);
  const permitId = await takePermit(dependencies, connection, registration, patienceMs);
  return { registration, hold, permitId };
}

/** Gives back what was taken; the hold, if any, lasts until somebody else may try. */
export async function returnPermission(
  { limits }: Pick<RefreshDependencies, "limits">,
  { registration, permitId }: Permission,
): Promise<void> {
  if (permitId !== undefined) await limits.release(registration.name, permitId);
}

async function passHold(
  dependencies: Admitting,
  { registrationName: name, integration }: Pick<Connection, "registrationName" | "integration">,
): Promise<Pick<Permission, "hold" | "registration">> {
  const { registry, holds, clock } = dependencies;
  const hold = await holds.current(name);
  if (hold === undefined) return { hold, registration: await registry.registration(name) };
  if (hold.reason === "client_rejected") {
    // A secret that has changed since ends the hold: it is not the registration that was rejected.
    const registration = await registry.registration(name, heldRereadMs);
    if (registration.version !== hold.registrationVersion) return { hold, registration };
  }
  const nowMs = clock.nowMs();
  const probe =
    hold.untilMs <= nowMs
      ? await holds.probe(name, hold, nowMs + dependencies.budget.functionTimeoutMs)
      : undefined;
  if (probe === undefined) throw heldBack(integration, hold, nowMs);
  dependencies.telemetry.emit({ code: "integration.probed", registrationName: name });
  return { hold: probe, registration: await registry.registration(name) };
}

const holdWords = {
  client_rejected: "mend its client registration.",
  rate_limited: "its provider has asked for a pause.",
  provider_failing: "its provider is failing, and is tried again from time to time.",
} as const;

function heldBack(integration: string, hold: IntegrationHold, nowMs: number): NotPermitted {
  const { reason, beganAtMs } = hold;
  // One whose time has come, and which somebody else has been let through on, lasts a moment longer.
  const untilMs = Math.max(hold.untilMs, nowMs + 1_000);
  return new NotPermitted(
    reason === "rate_limited" ? "provider_rate_limited" : "integration_held",
    integration,
    holdWords[reason],
    { beganAtMs, untilMs, nowMs, holdReason: reason },
  );
}

async function takePermit(
  { limits, clock, random, budget, newLeaseId }: Admitting,
  { integration }: Pick<Connection, "integration">,
  { name, maxConcurrent, maxPerMinute }: ClientRegistration,
  patienceMs: number,
): Promise<string | undefined> {
  if (maxConcurrent === undefined && maxPerMinute === undefined) return undefined;
  const beganAtMs = clock.nowMs();
  const permitId = newLeaseId();
  for (;;) {
    const nowMs = clock.nowMs();
    const expiresAtMs = nowMs + budget.functionTimeoutMs;
    const permit = await limits.acquire({
      ...{ name, permitId, maxConcurrent, maxPerMinute, nowMs, expiresAtMs },
    });
    if (permit.kind === "granted") return permitId;
    // Those who wait for the same turn do not ask all at once.
    const turnAtMs = Math.max(permit.retryAtMs, nowMs) + random() * turnSpreadMs;
    if (turnAtMs > beganAtMs + patienceMs) {
      const busy = { beganAtMs, untilMs: permit.retryAtMs, nowMs };
      throw new NotPermitted(
        "provider_rate_limited",
        integration,
        "it is at its own limits.",
        busy,
      );
    }
    await clock.sleep(turnAtMs - nowMs);
  }
}

const turnSpreadMs = 500;
