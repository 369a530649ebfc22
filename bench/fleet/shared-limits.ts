import {
  type LimitState,
  nextPermit,
  noRequests,
} from "../../functions/domain/integration/rate-limits.ts";
import type { RegistrationName } from "../../functions/domain/model/connection.ts";
import type { IntegrationLimits } from "../../functions/domain/ports/integration.ts";

/** The limits in the coordination table, which all processes share. */
export function sharedLimits(): IntegrationLimits {
  const states = new Map<RegistrationName, LimitState>();
  return {
    async acquire(request) {
      const { permit, state } = nextPermit(states.get(request.name) ?? noRequests, request);
      states.set(request.name, state);
      return permit;
    },
    async release(name, permitId) {
      const { holders, starts } = states.get(name) ?? noRequests;
      const others = Object.entries(holders).filter(([holder]) => holder !== permitId);
      states.set(name, { holders: Object.fromEntries(others), starts });
    },
  };
}
