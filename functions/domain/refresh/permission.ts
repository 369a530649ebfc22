import type { Connection } from "../model/connection.ts";
import { MisconfiguredRegistration, StoreUnavailable } from "../model/errors.ts";
import type { IntegrationBlock, IntegrationHold } from "../model/integration-hold.ts";
import { type FailedRefresh, failed, misconfigured } from "../model/outcome.ts";
import type { ClientRegistration } from "../ports/client-registration.ts";
import type { Permission, Using } from "./dependencies.ts";

type PermissionDependencies = Using<
  "registry" | "holds" | "limits" | "clock" | "random" | "budget" | "newLeaseId" | "telemetry"
>;

type Integrated = Pick<Connection, "registrationName" | "integration">;

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
  connection: Integrated,
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
  connection: Integrated,
  timeoutMs: number,
): Promise<Requested> {
  const { integration } = connection;
  try {
    const passed = await passHold(dependencies, connection);
    if (passed.kind === "failed") return passed;
    const { hold, registration } = passed;
    const permit = await takePermit(dependencies, integration, registration, timeoutMs);
    if (permit.kind === "failed") return permit;
    const { permitId } = permit;
    return { kind: "permitted", permission: { registration, hold, permitId } };
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
  | ({ readonly kind: "passed" } & Pick<Permission, "hold" | "registration">)
  | FailedRefresh;

async function passHold(
  dependencies: PermissionDependencies,
  { registrationName: name, integration }: Integrated,
): Promise<Passed> {
  const { registry, holds, clock, budget, telemetry } = dependencies;
  const hold = await holds.current(name);
  if (hold === undefined) {
    return { kind: "passed", hold, registration: await registry.registration(name) };
  }
  if (hold.reason === "client_rejected") {
    // A changed secret ends the hold: the provider has not rejected this registration.
    const registration = await registry.registration(name, heldRereadMs);
    if (registration.version !== hold.registrationVersion) {
      return { kind: "passed", hold, registration };
    }
  }
  const nowMs = clock.nowMs();
  const isOver = hold.untilMs <= nowMs;
  const probe = isOver
    ? await holds.probe(name, hold, nowMs + budget.functionTimeoutMs)
    : undefined;
  if (probe === undefined) return heldBack(integration, hold, nowMs);
  telemetry.emit({ code: "integration.probed", registrationName: name });
  return { kind: "passed", hold: probe, registration: await registry.registration(name) };
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
