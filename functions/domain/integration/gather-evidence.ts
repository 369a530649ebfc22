import type { ConnectionKey, RegistrationName } from "../model/connection.ts";
import type { HoldScope, TroubleWindow } from "../model/integration-hold.ts";
import type { Clock } from "../ports/clock.ts";
import type { IntegrationHolds, SharedFailure, TroubleEvidence } from "../ports/integration.ts";
import type { EndpointOrigin } from "../ports/token-endpoint.ts";
import { agreedScope, isOpen } from "./agreement.ts";

export interface EvidenceDependencies {
  readonly holds: IntegrationHolds;
  readonly evidence: TroubleEvidence;
  readonly clock: Pick<Clock, "nowMs">;
}

/** Connections that share a trouble, and those among them that have shown it. */
export interface SharedTrouble {
  readonly scope: HoldScope;
  readonly failing: readonly ConnectionKey[];
}

/**
 * Adds a failure to what all processes have seen: of its origin, and of all origins where connections have
 * different ones.
 *
 * @param known the windows that this process knows of
 * @returns the widest scope for which the evidence is enough now. Undefined: there is none
 */
export async function gatherEvidence(
  { holds, evidence, clock }: EvidenceDependencies,
  name: RegistrationName,
  { origin: own, variesByConnection }: EndpointOrigin,
  known: readonly TroubleWindow[],
  failure: SharedFailure,
): Promise<SharedTrouble | undefined> {
  for (const origin of variesByConnection ? [undefined, own] : [own]) {
    const beganAtMs = clock.nowMs();
    const window =
      known.find((one) => one.origin === origin && isOpen(one, beganAtMs)) ??
      (await holds.openWindow(name, { origin, beganAtMs }));
    if (window === undefined) continue;
    const seen = await evidence.addFailure(name, window, failure);
    const scope = seen && agreedScope(seen, failure.reason, window, clock.nowMs());
    if (scope !== undefined) return { scope, failing: seen?.failing ?? [] };
  }
  return undefined;
}
