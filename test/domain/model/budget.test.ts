import {
  budgetFor,
  gatewayTimeoutMs,
  maximumProviderTimeoutSeconds,
} from "../../../functions/domain/model/budget.ts";

test.each([1, 15, maximumProviderTimeoutSeconds])(
  "with %d s for the provider, each allowance outlasts the one that it contains",
  (providerTimeoutSeconds) => {
    const budget = budgetFor(providerTimeoutSeconds);
    expect(budget.providerTimeoutMs).toBe(providerTimeoutSeconds * 1000);
    expect(budget.leaseMs).toBeGreaterThan(budget.providerTimeoutMs + budget.commitReserveMs);
    expect(budget.functionTimeoutMs).toBeGreaterThan(budget.leaseMs + budget.answerReserveMs);
    expect(gatewayTimeoutMs).toBeGreaterThan(budget.functionTimeoutMs);
  },
);

test.each([0, -1, Number.NaN, maximumProviderTimeoutSeconds + 1])(
  "%d s for the provider is refused",
  (providerTimeoutSeconds) => {
    expect(() => budgetFor(providerTimeoutSeconds)).toThrow(/provider timeout/);
  },
);
