import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { mostFailing } from "../../domain/integration/hold-duration.ts";
import { isWorkspaceId, type RegistrationName } from "../../domain/model/connection.ts";
import { StoreUnavailable } from "../../domain/model/errors.ts";
import type { HoldReason, TroubleWindow } from "../../domain/model/integration-hold.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import type { Evidence, SharedFailure, TroubleEvidence } from "../../domain/ports/integration.ts";
import { lruMap } from "../cache/lru-map.ts";
import { type Item, numberAttribute } from "./attributes.ts";
import { changeItem, numberIn, readItem } from "./coordination.ts";
import { connectionName, connectionsIn } from "./integration-trouble-item.ts";
import type { DynamoDbTable } from "./table-requests.ts";
import { anyOf, type Clause, clause } from "./update-expression.ts";

export interface DynamoDbTroubleEvidenceOptions extends DynamoDbTable {
  readonly clock: Pick<Clock, "nowMs">;
}

/** How long a process keeps back what changes nothing but a counter. */
const countsEveryMs = 5_000;
const rememberedMs = 60 * 60 * 1000;
const maximumWindows = 1_000;

/** The last known item of one window, and the counts that this process has not stored yet. */
interface Tally {
  item: Item;
  storedAtMs: number;
  refused: number;
  succeeded: number;
}

/** Members of string sets, by the attribute. */
type Members = Readonly<Record<string, string>>;

/**
 * One item for each window. Processes change it with ADD alone, so that none has to wait for another. A connection,
 * a workspace or an origin is stored at once, unless eight are known. A mere count is stored within five seconds.
 */
export function dynamoDbTroubleEvidence(options: DynamoDbTroubleEvidenceOptions): TroubleEvidence {
  const { clock } = options;
  const tallies = lruMap<string, Tally>(maximumWindows);
  const tallyOf = (itemId: string): Tally => {
    const tally = tallies.get(itemId) ?? { item: {}, storedAtMs: 0, refused: 0, succeeded: 0 };
    tallies.set(itemId, tally);
    return tally;
  };
  const isCountDue = ({ storedAtMs }: Tally) => clock.nowMs() - storedAtMs >= countsEveryMs;

  return {
    async addFailure(name, window, failure) {
      const itemId = itemOf(name, window);
      const tally = tallyOf(itemId);
      tally.refused += 1;
      const isNew = lacking(tally.item, membersOf(failure)).length > 0;
      if (isNew || isCountDue(tally)) {
        const isStored = await tolerant(store(options, itemId, tally, membersOf(failure)));
        if (!isStored) return undefined;
      }
      return evidenceIn(tally.item, failure.reason);
    },

    async addSuccess(name, window) {
      const itemId = itemOf(name, window);
      const tally = tallyOf(itemId);
      tally.succeeded += 1;
      const isFirst = (numberIn(tally.item, "succeeded") ?? 0) === 0;
      if (isFirst || isCountDue(tally)) await tolerant(store(options, itemId, tally, {}));
    },
  };
}

const itemOf = (name: RegistrationName, { origin = "*", beganAtMs }: TroubleWindow): string =>
  `evidence#${name}#${origin}#${beganAtMs}`;

const membersOf = ({ reason, connection, origin }: SharedFailure): Members => ({
  [`${reason}_connections`]: connectionName(connection),
  [`${reason}_workspaces`]: connection.workspaceId,
  [`${reason}_origins`]: origin,
});

const evidenceIn = (item: Item, reason: HoldReason): Evidence => ({
  failing: connectionsIn(item[`${reason}_connections`]?.SS),
  workspaceIds: (item[`${reason}_workspaces`]?.SS ?? []).filter(isWorkspaceId),
  origins: item[`${reason}_origins`]?.SS ?? [],
  refused: numberIn(item, "refused") ?? 0,
  succeeded: numberIn(item, "succeeded") ?? 0,
});

/** The members that a set does not have and has room for. */
const lacking = (item: Item, members: Members): readonly (readonly [string, string])[] =>
  Object.entries(members).filter(([attribute, member]) => {
    const { SS: set = [] } = item[attribute] ?? {};
    return set.length < mostFailing && !set.includes(member);
  });

/** @throws {StoreUnavailable} */
async function store(
  options: DynamoDbTroubleEvidenceOptions,
  itemId: string,
  tally: Tally,
  members: Members,
): Promise<void> {
  const { refused, succeeded } = tally;
  const nowMs = options.clock.nowMs();
  Object.assign(tally, { refused: 0, succeeded: 0, storedAtMs: nowMs });
  const expiresAt = numberAttribute(Math.ceil((nowMs + rememberedMs) / 1000));
  for (let tries = 1; tries <= maximumTries; tries++) {
    const added = lacking(tally.item, members);
    const item = await changeItem(options, itemId, {
      set: { expires_at: expiresAt },
      add: { ...counters({ refused, succeeded }), ...setsOf(added) },
      condition: added.map(([attribute]) => hasRoom(attribute)),
    });
    tally.item = item ?? (await readItem(options, itemId)) ?? {};
    if (item !== undefined) return;
  }
}

/** A set that another process has filled is left out of the second try. */
const maximumTries = 2;

const counters = (counts: Readonly<Record<string, number>>) =>
  Object.fromEntries(
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => [name, numberAttribute(count)]),
  );

const setsOf = (members: readonly (readonly [string, string])[]): Record<string, AttributeValue> =>
  Object.fromEntries(members.map(([attribute, member]) => [attribute, { SS: [member] }]));

const hasRoom = (attribute: string): Clause =>
  anyOf(
    clause(`attribute_not_exists(${attribute})`),
    clause(`size(${attribute}) < :most`, { ":most": numberAttribute(mostFailing) }),
  );

/** @returns whether it was stored; a table that does not respond hears of the next result */
async function tolerant(storing: Promise<void>): Promise<boolean> {
  try {
    await storing;
    return true;
  } catch (error) {
    if (error instanceof StoreUnavailable) return false;
    throw error;
  }
}
