import {
  isCurrent,
  isInScope,
  mayProbeAtMs,
  probed,
  returnsAtMs,
  widestFirst,
} from "../integration/probe.ts";
import type { Connection } from "../model/connection.ts";
import { MisconfiguredRegistration, StoreUnavailable } from "../model/errors.ts";
import type { IntegrationBlock, IntegrationHold } from "../model/integration-hold.ts";
import { type FailedRefresh, failed, misconfigured } from "../model/outcome.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import type { Permission, Using } from "./dependencies.ts";

type PermissionDependencies = Using<
  | "registry"
  | "tokenEndpoint"
  | "holds"
  | "limits"
  | "clock"
  | "random"
  | "budget"
  | "newLeaseId"
  | "telemetry"
>;

export interface PermissionOptions {
  /** Permission that the caller has already; the caller returns it. */
  readonly given?: Permission | undefined;
  /** How long to wait for a place, where the integration is at its own limits. */
  readonly timeoutMs: number;
}

/**
 * Runs `work` with permission to ask the connection's provider, and returns the permission afterwards. A
 * permission that is not returned ends with the life of the function, for the request may be sent long
 * after it was permitted, once another caller's lease has ended.
 *
 * @returns the outcome of `work`, or why the provider must not be asked now
 */
export async function withPermission<Outcome>(
  dependencies: PermissionDependencies,
  connection: Connection,
  { given, timeoutMs }: PermissionOptions,
  work: (permission: Permission) => Promise<Outcome>,
): Promise<Outcome | FailedRefresh> {
  if (given !== undefined) return work(given);
  const requested = await requestPermission(dependencies, connection, timeoutMs);
  if (requested.kind === "failed") return requested;
  const { permission } = requested;
  try {
    return await work(permission);
  } finally {
    const { registration, permitId } = permission;
    if (permitId !== undefined) await dependencies.limits.release(registration.name, permitId);
  }
}

type Requested = { readonly kind: "permitted"; readonly permission: Permission } | FailedRefresh;

async function requestPermission(
  dependencies: PermissionDependencies,
  connection: Connection,
  timeoutMs: number,
): Promise<Requested> {
  const { integration } = connection;
  try {
    const passed = await passHolds(dependencies, connection);
    if (passed.kind === "failed") return passed;
    const { hold, windows, registration } = passed;
    const permit = await takePermit(dependencies, integration, registration, timeoutMs);
    if (permit.kind === "failed") return permit;
    const { permitId } = permit;
    return { kind: "permitted", permission: { registration, hold, windows, permitId } };
  } catch (cause) {
    if (cause instanceof MisconfiguredRegistration) {
      return misconfigured(integration, cause.message, cause);
    }
    if (cause instanceof StoreUnavailable) return failed("store_unavailable", { cause });
    throw cause;
  }
}

/** While a rejected client is held, its secret is read this often, to see whether it was replaced. */
const heldRereadMs = 1_000;

type Passed =
  | ({ readonly kind: "passed" } & Pick<Permission, "hold" | "registration" | "windows">)
  | FailedRefresh;

async function passHolds(
  dependencies: PermissionDependencies,
  connection: Connection,
): Promise<Passed> {
  const { registry, holds, tokenEndpoint } = dependencies;
  const { registrationName: name, config } = connection;
  const { holds: all, windows } = await holds.current(name);
  const registration = await registry.registration(name);
  if (all.length === 0) return { kind: "passed", registration, windows, hold: undefined };
  const origin = tokenEndpoint.originOf(registration, config)?.origin;
  const concerned = all.filter(({ scope }) => isInScope(scope, connection, origin));
  if (!concerned.some(({ reason }) => reason === "client_rejected")) {
    return passAll(dependencies, connection, concerned, { registration, windows });
  }
  const reread = await registry.registration(name, heldRereadMs);
  return passAll(dependencies, connection, concerned, { registration: reread, windows });
}

/** A connection passes when it may probe each of its holds, and probes the widest. */
async function passAll(
  { holds, clock, budget, telemetry }: PermissionDependencies,
  connection: Connection,
  concerned: readonly IntegrationHold[],
  permission: Pick<Permission, "registration" | "windows">,
): Promise<Passed> {
  const { registration } = permission;
  const [hold, ...others] = concerned
    .filter((one) => isCurrent(one, registration))
    .sort(widestFirst);
  // The provider has not rejected this registration, and the result of this request decides about the hold.
  if (hold === undefined) return { kind: "passed", ...permission, hold: concerned[0] };
  const { integration, registrationName } = connection;
  const nowMs = clock.nowMs();
  for (const one of [hold, ...others]) {
    if (mayProbeAtMs(one, connection) > nowMs) {
      const untilMs = returnsAtMs(one, connection, nowMs);
      return heldBack(integration, { ...one, untilMs }, nowMs);
    }
  }
  const probe = probed(hold, connection, nowMs, budget);
  if (!(await holds.replace(registrationName, hold, probe))) {
    return heldBack(integration, hold, nowMs);
  }
  const { scope } = hold;
  telemetry.emit({ code: "integration.probed", registrationName, integration, scope });
  return { kind: "passed", ...permission, hold: probe };
}

const holdReasonText = {
  client_rejected: "mend its client registration.",
  rate_limited: "its provider has asked for a pause.",
  provider_failing: "its provider is failing, and is tried again from time to time.",
} as const;

function heldBack(integration: string, hold: IntegrationHold, nowMs: number): FailedRefresh {
  const { reason: holdReason, beganAtMs } = hold;
  // A hold whose time has come, and whose probe is another caller, lasts a moment longer.
  const untilMs = Math.max(hold.untilMs, nowMs + 1_000);
  const code = holdReason === "rate_limited" ? "provider_rate_limited" : "integration_held";
  const block = { beganAtMs, untilMs, holdReason };
  return blocked(code, integration, holdReasonText[holdReason], block, nowMs);
}

function blocked(
  code: "integration_held" | "provider_rate_limited",
  integration: string,
  reason: string,
  blockedBy: IntegrationBlock,
  nowMs: number,
): FailedRefresh {
  const retryAfterSeconds = Math.max(1, Math.ceil((blockedBy.untilMs - nowMs) / 1000));
  const context = { integration, reason: `Integration ${integration}: ${reason}` };
  return { ...failed(code, { ...context, retryAfterSeconds }), blockedBy };
}

/** Callers that wait for the same place do not ask for it at the same moment. */
const turnSpreadMs = 500;

type TakenPermit =
  | { readonly kind: "taken"; readonly permitId: string | undefined }
  | FailedRefresh;

async function takePermit(
  { limits, clock, random, budget, newLeaseId }: PermissionDependencies,
  integration: string,
  { name, maxConcurrent, maxPerMinute }: ClientRegistration,
  timeoutMs: number,
): Promise<TakenPermit> {
  if (maxConcurrent === undefined && maxPerMinute === undefined) {
    return { kind: "taken", permitId: undefined };
  }
  const beganAtMs = clock.nowMs();
  const permitId = newLeaseId();
  for (;;) {
    const nowMs = clock.nowMs();
    const expiresAtMs = nowMs + budget.functionTimeoutMs;
    const permit = await limits.acquire({
      ...{ name, permitId, maxConcurrent, maxPerMinute, nowMs, expiresAtMs },
    });
    if (permit.kind === "granted") return { kind: "taken", permitId };
    const turnAtMs = Math.max(permit.retryAtMs, nowMs) + random() * turnSpreadMs;
    if (turnAtMs > beganAtMs + timeoutMs) {
      const block = { beganAtMs, untilMs: permit.retryAtMs, holdReason: undefined };
      const reason = "it is at its own limits.";
      return blocked("provider_rate_limited", integration, reason, block, nowMs);
    }
    await clock.sleep(turnAtMs - nowMs);
  }
}
