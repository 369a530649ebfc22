import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { isOpen, windowMs } from "../../domain/integration/agreement.ts";
import type { RegistrationName } from "../../domain/model/connection.ts";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import {
  type IntegrationHold,
  type IntegrationTrouble,
  noTrouble,
  type TroubleWindow,
} from "../../domain/model/integration-hold.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { IntegrationHolds } from "../../domain/ports/integration.ts";
import { lruMap } from "../cache/lru-map.ts";
import { sharedReads } from "../cache/shared-reads.ts";
import { type Item, numberAttribute } from "./attributes.ts";
import { changeItem, readItem } from "./coordination.ts";
import {
  holdAttribute,
  holdMap,
  troubleIn,
  windowAttribute,
  windowMap,
} from "./integration-trouble-item.ts";
import type { DynamoDbTable } from "./table-requests.ts";
import { anyOf, type Clause, clause, type ItemUpdate } from "./update-expression.ts";

export interface DynamoDbIntegrationHoldsOptions extends DynamoDbTable {
  readonly clock: Pick<Clock, "nowMs">;
  /** How old the known trouble of a registration, or the lack of any, may be. @default 2000 */
  readonly maxAgeMs?: number;
  /** @default 1000 */
  readonly maximumEntries?: number;
}

interface Known {
  readonly atMs: number;
  readonly trouble: IntegrationTrouble;
}

const itemOf = (name: RegistrationName): string => `trouble#${name}`;
/** A hold that nobody lifted, and the run of holds that it belongs to, are remembered for this long. */
const rememberedMs = 24 * 60 * 60 * 1000;
/** The most holds, and the most windows, of one registration: the item is read by every process every two seconds. */
const maximumScopes = 50;

/**
 * Holds that all processes know of: one item for each registration in trouble, cached for seconds. While the table
 * does not respond, the last known state counts: a hold must not be the reason that nothing is refreshed.
 */
export function dynamoDbIntegrationHolds(
  options: DynamoDbIntegrationHoldsOptions,
): IntegrationHolds {
  const { clock, maxAgeMs = 2_000, maximumEntries = 1_000 } = options;
  const known = lruMap<RegistrationName, Known>(maximumEntries);
  const remember = (name: RegistrationName, item: Item | undefined): IntegrationTrouble => {
    const trouble = item === undefined ? noTrouble : troubleIn(item);
    known.set(name, { atMs: clock.nowMs(), trouble });
    return trouble;
  };
  const isRecent = (atMs: number): boolean => clock.nowMs() - atMs < maxAgeMs;
  const read = sharedReads(clock, async (name: RegistrationName) =>
    remember(name, await readItem(options, itemOf(name))),
  );
  const current = async (name: RegistrationName): Promise<IntegrationTrouble> => {
    const recent = known.get(name);
    if (recent !== undefined && isRecent(recent.atMs)) return recent.trouble;
    return (await orUndefined(read(name, isRecent))) ?? known.get(name)?.trouble ?? noTrouble;
  };
  /** @returns the trouble as it is then. Undefined: the condition does not hold, or the table does not respond */
  const change = async (
    name: RegistrationName,
    update: ItemUpdate,
  ): Promise<IntegrationTrouble | undefined> => {
    const item = await orUndefined(changeItem(options, itemOf(name), update));
    if (item !== undefined) return remember(name, item);
    known.delete(name);
    return undefined;
  };

  return {
    current,

    async replace(name, previous, hold) {
      const { holds } = known.get(name)?.trouble ?? noTrouble;
      if (previous === undefined && holds.length >= maximumScopes) return false;
      const changed = await change(name, {
        ...entryChange(holdAttribute(hold.scope), holdMap(hold), clock.nowMs()),
        condition: [previous === undefined ? isAbsent : isUnchanged(previous)],
      });
      return changed !== undefined;
    },

    async lift(name, hold) {
      return (await change(name, removalOf(hold))) !== undefined;
    },

    async openWindow(name, window) {
      const nowMs = clock.nowMs();
      const trouble = known.get(name)?.trouble ?? noTrouble;
      if (trouble.windows.filter((one) => isOpen(one, nowMs)).length >= maximumScopes)
        return undefined;
      const update = entryChange(windowAttribute(window), windowMap(window), nowMs);
      const leftOver = leftOverIn(trouble, window, nowMs);
      const opened = await change(name, {
        ...update,
        remove: Object.keys(leftOver),
        names: { ...update.names, ...leftOver },
        condition: [anyOf(isAbsent, beganBy(window.beganAtMs - windowMs))],
      });
      if (opened !== undefined) return window;
      const { windows } = await current(name);
      return windows.find((one) => one.origin === window.origin && isOpen(one, nowMs));
    },
  };
}

/** The holds that stand, for an operator. Both methods reject with {@link StoreUnavailable}. */
export interface HoldAdmin {
  holds(name: RegistrationName): Promise<readonly IntegrationHold[]>;
  /** @returns false: the hold has changed or ended since it was read */
  release(name: RegistrationName, hold: IntegrationHold): Promise<boolean>;
}

export const dynamoDbHoldAdmin = (table: DynamoDbTable): HoldAdmin => ({
  async holds(name) {
    const item = await readItem(table, itemOf(name));
    return item === undefined ? [] : troubleIn(item).holds;
  },
  release: async (name, hold) =>
    (await changeItem(table, itemOf(name), removalOf(hold))) !== undefined,
});

/** Whatever the table does, its next response will say the same again. */
async function orUndefined<Value>(request: Promise<Value>): Promise<Value | undefined> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof StoreUnavailable) return undefined;
    throw error;
  }
}

const entryChange = (attribute: string, entry: AttributeValue, nowMs: number) => ({
  assign: [
    clause("#entry = :entry", { ":entry": entry }),
    clause("expires_at = :expiresAt", {
      ":expiresAt": numberAttribute(Math.ceil((nowMs + 2 * rememberedMs) / 1000)),
    }),
  ],
  names: { "#entry": attribute },
});

const removalOf = (hold: IntegrationHold): ItemUpdate => ({
  remove: ["#entry"],
  names: { "#entry": holdAttribute(hold.scope) },
  condition: [isUnchanged(hold)],
});

const isAbsent = clause("attribute_not_exists(#entry)");

const isUnchanged = ({ untilMs, triedAtMs }: IntegrationHold): Clause =>
  clause("#entry.until_ms = :until AND #entry.tried_at_ms = :tried", {
    ":until": numberAttribute(untilMs),
    ":tried": numberAttribute(triedAtMs),
  });

const beganBy = (instantMs: number): Clause =>
  clause("#entry.began_at_ms <= :instant", { ":instant": numberAttribute(instantMs) });

/** The attributes of windows and holds that are long over, by placeholder. */
function leftOverIn(
  { windows, holds }: IntegrationTrouble,
  opened: TroubleWindow,
  nowMs: number,
): Readonly<Record<string, string>> {
  const attributes = [
    ...windows
      .filter((window) => window.origin !== opened.origin && !isOpen(window, nowMs))
      .map(windowAttribute),
    ...holds
      .filter(({ untilMs }) => untilMs + rememberedMs < nowMs)
      .map(({ scope }) => holdAttribute(scope)),
  ];
  return Object.fromEntries(attributes.map((attribute, n) => [`#over${n}`, attribute]));
}
