import type { Step } from "./breadth-first.ts";
import {
  afterFault,
  changedAt,
  nameOf,
  newFamily,
  type Put,
  type State,
  ticks,
} from "./protocol-state.ts";
import type { Rules } from "./rules.ts";
import { commit, isLive, isUnresolved, mayRescue, nextVersion } from "./store-writes.ts";

type StateStep = Step<State>;

/** The store goes once, for as long as it likes, and comes back. */
export function storeSteps(state: State): readonly StateStep[] {
  if (!state.isStoreUp) {
    return [{ text: "the store is back", state: { ...state, isStoreUp: true } }];
  }
  const faulty = afterFault(state, "outages");
  return faulty === undefined
    ? []
    : [{ text: "the store goes down", state: { ...faulty, isStoreUp: false } }];
}

/** The rescue of one token set: functions/domain/rescue.ts, as one step, which its lease outlasts. */
export function rescueSteps(rules: Rules, state: State, at: number): readonly StateStep[] {
  const message = state.queue[at];
  if (message === undefined || message.deliveredIn > 0) return [];
  const words = `the rescue of ${nameOf(message.token)}`;
  const returned = {
    ...state,
    queue: changedAt(state.queue, at, { deliveredIn: ticks.redelivery }),
  };
  if (!state.isStoreUp) {
    return [
      { text: `${words} fails, and comes back in ${ticks.redelivery} ticks`, state: returned },
    ];
  }
  if (!mayRescue(rules, state.lease, state.item?.version ?? 0)) {
    return [{ text: `${words} waits for the holder of the lease`, state: returned }];
  }
  const [written, after] = commit(rules, state, { ...message, call: undefined });
  return [
    {
      text: `${words}: ${written}`,
      state: { ...after, queue: after.queue.filter((_, i) => i !== at) },
    },
  ];
}

/** The message of a take-over comes out of the queue after all that was put there before it. */
export function turnSteps({ takeOver }: Rules, state: State): readonly StateStep[] {
  const { lease, queue, isStoreUp } = state;
  if (takeOver !== "behind_rescue" || lease?.turnIn !== 1) return [];
  if (queue.length > 0 || !isStoreUp) return [];
  const text = "the message behind the rescue comes out of the queue: the lease may be taken over";
  return [{ text, state: { ...state, lease: { ...lease, turnIn: 0 } } }];
}

/** The steps of an operator, and the later one of TTL. */
export const operatorSteps = (rules: Rules, state: State): readonly StateStep[] => [
  ...preparePut(rules, state),
  ...writePut(rules, state),
  ...deleteConnection(rules, state),
  ...purge(state),
];

function preparePut(rules: Rules, state: State): readonly StateStep[] {
  const { item, families, put, isStoreUp } = state;
  if (put !== undefined || !isStoreUp) return [];
  const expectedVersion = item === undefined || item.isDeleted ? undefined : item.version;
  const read = { expectedVersion, version: nextVersion(rules, state, item?.version ?? 0) };
  const anew = afterFault(state, "reauthorizations");
  const again = afterFault(state, "reimports");
  const steps: StateStep[] = [];
  if (anew !== undefined) {
    const token = { family: families.length, generation: 0 };
    const prepared: Put = { kind: "reauthorization", token, ...read };
    const text = `the user authorizes anew: ${nameOf(token)}`;
    steps.push({ text, state: { ...anew, families: [...families, newFamily], put: prepared } });
  }
  if (again !== undefined && item !== undefined && expectedVersion !== undefined) {
    const prepared: Put = { kind: "reimport", token: item.token, ...read };
    const text = `an operator prepares to store ${nameOf(item.token)} once more`;
    steps.push({ text, state: { ...again, put: prepared } });
  }
  return steps;
}

function writePut(rules: Rules, state: State): readonly StateStep[] {
  const { put, item, isStoreUp } = state;
  if (put === undefined || !isStoreUp) return [];
  const done = { ...state, put: undefined };
  if (rules.put !== "unconditional" && !stands(put, state)) {
    return [{ text: "the operator's put is declined: the connection has changed", state: done }];
  }
  // The operator runs the command again later.
  if (rules.put === "version_and_lease" && isUnresolved(state.lease)) return [];
  const version =
    rules.put === "unconditional" ? nextVersion(rules, state, item?.version ?? 0) : put.version;
  const stored = { token: put.token, version, isDeleted: false, isExpired: false };
  return [
    {
      text: `the operator stores ${nameOf(put.token)}, version ${version}`,
      state: { ...done, item: stored, lease: undefined, authorized: put.token.family },
    },
  ];
}

const stands = ({ expectedVersion }: Put, { item }: State): boolean =>
  item === undefined || item.isDeleted
    ? expectedVersion === undefined
    : item.version === expectedVersion;

function deleteConnection(rules: Rules, state: State): readonly StateStep[] {
  const { item, isStoreUp, lease, epoch } = state;
  if (item === undefined || item.isDeleted || !isStoreUp) return [];
  const faulty = afterFault(state, "deletes");
  if (faulty === undefined) return [];
  const gone = { ...faulty, lease: undefined, authorized: undefined };
  if (rules.deletion === "removes") {
    return [
      { text: "the connection is deleted", state: { ...gone, item: undefined, epoch: epoch + 1 } },
    ];
  }
  if (isLive(lease)) return [];
  const version = nextVersion(rules, state, item.version);
  const tombstone = { ...item, isDeleted: true, version };
  return [
    {
      text: "the connection is deleted, and its version stays",
      state: { ...gone, item: tombstone },
    },
  ];
}

function purge(state: State): readonly StateStep[] {
  if (state.item?.isDeleted !== true) return [];
  const text = "TTL removes what the delete has left";
  return [{ text, state: { ...state, item: undefined, epoch: state.epoch + 1 } }];
}

/** Five seconds pass, unless something has to happen before. */
export function timeSteps({ takeOver }: Rules, state: State): readonly StateStep[] {
  if (hasUrgentStep(state)) return [];
  const { lease, callers, requests, queue, families } = state;
  const longestAge = ticks.functionTimeout - ticks.lease;
  const passed: State = {
    ...state,
    lease: lease && {
      ...lease,
      endsIn: Math.max(lease.endsIn - 1, -longestAge),
      turnIn: passesBy(lease.turnIn, takeOver === "in_turn"),
    },
    callers: callers.map((one) => ({
      ...one,
      leaseEndsIn: less(one.leaseEndsIn),
      functionEndsIn: less(one.functionEndsIn),
      timesOutIn: less(one.timesOutIn),
    })),
    requests: requests.map((one) => ({ ...one, arrivesWithin: less(one.arrivesWithin) })),
    queue: queue.map((one) => ({ ...one, deliveredIn: less(one.deliveredIn) })),
    families: families.map((one) => ({ ...one, graceLeft: less(one.graceLeft) })),
  };
  return [{ text: "five seconds pass", state: passed }];
}

const less = (left: number): number => Math.max(left - 1, 0);
const passesBy = (turnIn: number | undefined, isTime: boolean): number | undefined =>
  turnIn === undefined || !isTime ? turnIn : less(turnIn);

/** A request that is due, a message that is delivered, a write that follows at once, a function's end. */
const hasUrgentStep = ({ callers, requests, queue }: State): boolean =>
  requests.some(({ arrivesWithin }) => arrivesWithin === 0) ||
  queue.some(({ deliveredIn }) => deliveredIn === 0) ||
  callers.some(
    ({ phase, timesOutIn, functionEndsIn, isQueued }) =>
      phase === "refused" ||
      phase === "timed_out" ||
      phase === "reset" ||
      phase === "reading" ||
      phase === "leased" ||
      (phase === "granted" && (!isQueued || functionEndsIn === 0)) ||
      (phase === "holding" && functionEndsIn === 0) ||
      (phase === "sent" && timesOutIn === 0),
  );
