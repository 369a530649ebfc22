import type { RegistrationName } from "../../domain/model/connection.ts";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import { holdReasons, type IntegrationHold } from "../../domain/model/integration-hold.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { IntegrationHolds } from "../../domain/ports/integration.ts";
import { lruMap } from "../cache/lru-map.ts";
import { sharedReads } from "../cache/shared-reads.ts";
import { type Item, numberAttribute } from "./attributes.ts";
import {
  type CoordinationTable,
  changeItem,
  numberIn,
  readItem,
  removeItem,
} from "./coordination.ts";
import { anyOf, type Clause, clause } from "./update-expression.ts";

export interface DynamoDbIntegrationHoldsOptions extends CoordinationTable {
  readonly clock: Pick<Clock, "nowMs">;
  /** How old what is known of a hold, or of there being none, may be. @default 2000 */
  readonly maxAgeMs?: number;
  /** @default 1000 */
  readonly maximumEntries?: number;
}

interface Known {
  readonly atMs: number;
  readonly hold: IntegrationHold | undefined;
}

const itemOf = (name: RegistrationName): string => `hold#${name}`;
/** How long a hold whose time has come, and which nobody lifted, is remembered, and with it the run it belongs to. */
const rememberedMs = 24 * 60 * 60 * 1000;

/**
 * Holds that all processes know of: one item for each integration in trouble, cached for seconds. Where
 * the table does not answer, what was known last counts: a hold must not be what stops refreshing.
 */
export function dynamoDbIntegrationHolds(
  options: DynamoDbIntegrationHoldsOptions,
): IntegrationHolds {
  const { clock, maxAgeMs = 2_000, maximumEntries = 1_000 } = options;
  const known = lruMap<RegistrationName, Known>(maximumEntries);
  const remember = (name: RegistrationName, hold: IntegrationHold | undefined): void =>
    known.set(name, { atMs: clock.nowMs(), hold });
  const isRecent = (atMs: number): boolean => clock.nowMs() - atMs < maxAgeMs;
  const read = sharedReads(clock, async (name: RegistrationName) => {
    const item = await readItem(options, itemOf(name));
    remember(name, item && holdIn(item));
  });
  const write = async (name: RegistrationName, hold: IntegrationHold, condition: Clause) => {
    const item = await changeItem(options, itemOf(name), {
      set: attributesOf(hold),
      condition: [condition],
    });
    if (item !== undefined) remember(name, hold);
    else known.delete(name);
    return item !== undefined;
  };

  return {
    async current(name) {
      const recent = known.get(name);
      if (recent !== undefined && isRecent(recent.atMs)) return recent.hold;
      try {
        await read(name, isRecent);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
      }
      return known.get(name)?.hold;
    },

    async place(name, hold, previous) {
      const mayBeReplaced =
        previous === undefined ? hasEnded(clock.nowMs()) : endsAt(previous.untilMs);
      await tolerant(() => write(name, hold, anyOf(isAbsent, mayBeReplaced)));
    },

    async probe(name, hold, probeUntilMs) {
      const probe = { ...hold, untilMs: probeUntilMs };
      const isMine = await tolerant(() => write(name, probe, endsAt(hold.untilMs)));
      return isMine ? probe : undefined;
    },

    async lift(name, { untilMs }) {
      await tolerant(() => removeItem(options, itemOf(name), endsAt(untilMs)));
      known.delete(name);
    },
  };
}

const isAbsent = clause("attribute_not_exists(until_ms)");
const hasEnded = (nowMs: number): Clause =>
  clause("until_ms <= :nowMs", { ":nowMs": numberAttribute(nowMs) });
/** A hold that ends at this time is still the one that was read. */
const endsAt = (untilMs: number): Clause =>
  clause("until_ms = :untilMs", { ":untilMs": numberAttribute(untilMs) });

/** The table does not answer: the next answer of the provider will say the same again. */
async function tolerant(request: () => Promise<boolean>): Promise<boolean> {
  try {
    return await request();
  } catch (error) {
    if (error instanceof StoreUnavailable) return false;
    throw error;
  }
}

const attributesOf = (hold: IntegrationHold): Item => ({
  reason: { S: hold.reason },
  began_at_ms: numberAttribute(hold.beganAtMs),
  until_ms: numberAttribute(hold.untilMs),
  hold_count: numberAttribute(hold.count),
  registration_version: { S: hold.registrationVersion },
  expires_at: numberAttribute(Math.ceil((hold.untilMs + rememberedMs) / 1000)),
});

function holdIn(item: Item): IntegrationHold | undefined {
  const reason = holdReasons.find((known) => known === item.reason?.S);
  const untilMs = numberIn(item, "until_ms");
  if (reason === undefined || untilMs === undefined) return undefined;
  return {
    reason,
    untilMs,
    beganAtMs: numberIn(item, "began_at_ms") ?? untilMs,
    count: numberIn(item, "hold_count") ?? 1,
    registrationVersion: item.registration_version?.S ?? "",
  };
}
