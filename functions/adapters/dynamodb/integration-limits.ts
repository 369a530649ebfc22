import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { type LimitState, nextPermit, noRequests } from "../../domain/integration/rate-limits.ts";
import type { RegistrationName } from "../../domain/model/connection.ts";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { IntegrationLimits, Permit, PermitRequest } from "../../domain/ports/integration.ts";
import { type Item, numberAttribute } from "./attributes.ts";
import { changeItem, numberIn, readItem } from "./coordination.ts";
import type { DynamoDbTable } from "./table-requests.ts";
import { clause } from "./update-expression.ts";

export interface DynamoDbIntegrationLimitsOptions extends DynamoDbTable {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

const itemOf = (name: RegistrationName): string => `limits#${name}`;
/** After so many conflicts with other processes the limit is nearly reached, and the caller waits. */
const maximumAttempts = 6;
const longestPauseMs = 40;
const retentionMs = 60 * 60 * 1000;

/** Limits that all processes share, one item for each registration. A change is conditional on the revision that was read. */
export const dynamoDbIntegrationLimits = (
  options: DynamoDbIntegrationLimitsOptions,
): IntegrationLimits => ({
  async acquire(request) {
    for (let attempt = 1; attempt <= maximumAttempts; attempt++) {
      const permit = await tryAcquire(options, request);
      if (permit !== undefined) return permit;
      await options.clock.sleep(options.random() * longestPauseMs * attempt);
    }
    return { kind: "busy", retryAtMs: request.nowMs + 1_000 };
  },

  async release(name, permitId) {
    try {
      await changeItem(options, itemOf(name), {
        assign: [clause("revision = revision + :one", { ":one": numberAttribute(1) })],
        remove: ["holders.#permit"],
        condition: [clause("attribute_exists(holders.#permit)")],
        names: { "#permit": permitId },
      });
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  },
});

/** Undefined: another process changed the item meanwhile. */
async function tryAcquire(
  options: DynamoDbIntegrationLimitsOptions,
  request: PermitRequest,
): Promise<Permit | undefined> {
  const item = await readItem(options, itemOf(request.name));
  const { permit, state } = nextPermit(item === undefined ? noRequests : stateIn(item), request);
  if (permit.kind === "busy") return permit;
  const revision = item === undefined ? 0 : (numberIn(item, "revision") ?? 0);
  const changed = await changeItem(options, itemOf(request.name), {
    set: {
      holders: numbers(state.holders),
      starts: numbers(state.starts),
      revision: numberAttribute(revision + 1),
      expires_at: numberAttribute(Math.ceil((request.nowMs + retentionMs) / 1000)),
    },
    condition: [
      item === undefined
        ? clause("attribute_not_exists(revision)")
        : clause("revision = :revision", { ":revision": numberAttribute(revision) }),
    ],
  });
  return changed && permit;
}

const numbers = (values: Readonly<Record<string, number>>): AttributeValue => ({
  M: Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, numberAttribute(value)]),
  ),
});

const stateIn = (item: Item): LimitState => ({
  holders: numbersIn(item.holders),
  starts: numbersIn(item.starts),
});

const numbersIn = (attribute: AttributeValue | undefined): Record<string, number> =>
  Object.fromEntries(
    Object.entries(attribute?.M ?? {}).map(([name, { N }]) => [name, Number(N ?? 0)]),
  );
