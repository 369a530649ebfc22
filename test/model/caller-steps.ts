import type { Step } from "./breadth-first.ts";
import {
  afterFault,
  type Caller,
  callOf,
  changedAt,
  endInvocation,
  isSame,
  nameOf,
  type State,
  type Token,
  ticks,
  withCaller,
} from "./protocol-state.ts";
import type { Configuration, Rules } from "./rules.ts";
import {
  acquired,
  commit,
  isLive,
  isUnresolved,
  mayAcquire,
  recordFailure,
  released,
} from "./store-writes.ts";

type StateStep = Step<State>;

/** A call begins: functions/domain/refresh.ts. A caller that finds a live lease waits, which changes nothing. */
export function beginSteps({ rules, calls }: Configuration, state: State): readonly StateStep[] {
  const { item, isStoreUp } = state;
  // Callers are alike, so the first that is idle stands for all.
  const at = state.callers.findIndex(({ phase }) => phase === "idle");
  if (at < 0 || state.calls === calls || !isStoreUp) return [];
  if (item === undefined || item.isDeleted || item.isExpired) return [];
  if (!mayAcquire(rules, state.lease, item.version)) return stateTurn(rules, state);
  const call = state.calls + 1;
  const words = `${nameOf(item.token)}, version ${item.version}`;
  const begun = withCaller({ ...state, calls: call }, at, { call });
  if (rules.leasePlace === "own_item") {
    const read = { phase: "reading", token: item.token, version: item.version } as const;
    return [{ text: `call ${call} reads ${words}`, state: withCaller(begun, at, read) }];
  }
  const which = state.lease === undefined ? "the lease" : "the lease, which has ended,";
  const text = `call ${call} acquires ${which} and reads ${words}`;
  return [{ text, state: acquired(begun, at, item, "holding") }];
}

/** The first caller that finds a dead lease with nothing stored under it states its turn, once. */
function stateTurn({ takeOver }: Rules, state: State): readonly StateStep[] {
  const { lease } = state;
  if (takeOver === "at_once" || lease === undefined) return [];
  if (isLive(lease) || !isUnresolved(lease) || lease.turnIn !== undefined) return [];
  const functionEndsIn = Math.max(lease.endsIn + ticks.functionTimeout - ticks.lease, 0);
  if (takeOver === "behind_rescue") {
    const text =
      "another call finds that the lease has ended, and sends a message behind the rescue";
    return functionEndsIn > 0
      ? []
      : [{ text, state: { ...state, lease: { ...lease, turnIn: 1 } } }];
  }
  const turnIn = functionEndsIn + ticks.redelivery + ticks.rescueTimeout;
  const text = `another call finds that the lease has ended, and states its turn in ${turnIn} ticks`;
  return [{ text, state: { ...state, lease: { ...lease, turnIn } } }];
}

/** Everything that one call can do next. */
export const callSteps = (rules: Rules, state: State, at: number): readonly StateStep[] => {
  const caller = state.callers[at];
  if (caller === undefined || caller.phase === "idle") return [];
  return [...ownSteps(rules, state, at, caller), ...crash(state, at, caller)];
};

function ownSteps(rules: Rules, state: State, at: number, caller: Caller): readonly StateStep[] {
  switch (caller.phase) {
    case "reading":
      return [acquireOwnLease(rules, state, at, caller)];
    case "leased":
      return [readUnderLease(state, at, caller)];
    case "holding":
      return sendOrRelease(state, at, caller);
    case "granted":
      return [...commitTokens(rules, state, at, caller), ...queueTokens(state, at, caller)];
    case "refused":
      return [storeFailure(rules, state, at, { keepsLease: false, isRefusal: true })];
    case "timed_out":
      return [storeFailure(rules, state, at, { keepsLease: true, isRefusal: false })];
    case "reset": {
      const keepsLease = rules.leaseIsKeptAfter === "any_ambiguity";
      return [storeFailure(rules, state, at, { keepsLease, isRefusal: false })];
    }
    default:
      return [];
  }
}

function acquireOwnLease(rules: Rules, state: State, at: number, caller: Caller): StateStep {
  const { lease, isStoreUp } = state;
  const who = callOf(state, at);
  if (!isStoreUp || !mayAcquire(rules, lease, caller.version)) {
    return { text: `${who} does not acquire the lease`, state: endInvocation(state, at) };
  }
  const phase = rules.readsAfterLease ? "leased" : "holding";
  const text = `${who} acquires the lease for version ${caller.version}`;
  return { text, state: acquired(state, at, caller, phase) };
}

function readUnderLease(state: State, at: number, { version, call }: Caller): StateStep {
  const { item, isStoreUp } = state;
  const who = callOf(state, at);
  if (!isStoreUp) return { text: `${who} cannot read again`, state: endInvocation(state, at) };
  const stands = item !== undefined && !item.isDeleted && item.version === version;
  if (!stands || item.isExpired) {
    const text = `${who} reads again, finds a change, and releases its lease`;
    return { text, state: released(endInvocation(state, at), call) };
  }
  return { text: `${who} reads again`, state: withCaller(state, at, { phase: "holding" }) };
}

/** No request is sent without time to finish it within the lease, nor without permission. */
function sendOrRelease(state: State, at: number, caller: Caller): readonly StateStep[] {
  const { token, leaseEndsIn, call } = caller;
  const who = callOf(state, at);
  const ended = endInvocation(state, at);
  const release: StateStep = {
    text: `${who} may not send a request, and ends its lease`,
    state: state.isStoreUp ? released(ended, call) : ended,
  };
  const spare = leaseEndsIn - ticks.commitReserve;
  if (spare < ticks.providerTimeout) return [release];
  const sent = withCaller(state, at, { phase: "sent", timesOutIn: ticks.providerTimeout });
  const requests = [...state.requests, { token, call, arrivesWithin: spare }];
  return [{ text: `${who} sends ${nameOf(token)}`, state: { ...sent, requests } }, release];
}

function commitTokens(
  rules: Rules,
  state: State,
  at: number,
  { granted, grantedVersion, version: expectedVersion, call, hasTried }: Caller,
): readonly StateStep[] {
  if (!state.isStoreUp) return [];
  const tokenSet = { token: granted, version: grantedVersion, expectedVersion, call };
  const [written, after] = commit(rules, state, tokenSet);
  const text = `${callOf(state, at)} commits ${nameOf(granted)}: ${written}`;
  const tried = { hasTried: true };
  if (written === "held") {
    return hasTried ? [] : [{ text, state: withCaller(state, at, tried) }];
  }
  const lost = hasTried ? undefined : afterFault(after, "lostResponses");
  return [
    { text, state: endInvocation(after, at) },
    ...(lost === undefined
      ? []
      : [{ text: `${text}, and the response is lost`, state: withCaller(lost, at, tried) }]),
  ];
}

/** A token set that is not committed promptly goes to the rescue queue. */
function queueTokens(state: State, at: number, caller: Caller): readonly StateStep[] {
  const { granted, grantedVersion, version: expectedVersion, isQueued, hasTried } = caller;
  const who = callOf(state, at);
  if (isQueued) {
    if (caller.functionEndsIn > 0) return [];
    return [{ text: `${who}'s function ends`, state: endInvocation(state, at) }];
  }
  if (state.isStoreUp && !hasTried) return [];
  const tokenSet = { token: granted, version: grantedVersion, expectedVersion };
  const queue = [...state.queue, { ...tokenSet, deliveredIn: ticks.firstDelivery }];
  const text = `${who} puts ${nameOf(granted)} on the rescue queue`;
  return [{ text, state: { ...withCaller(state, at, { isQueued: true }), queue } }];
}

function storeFailure(
  rules: Rules,
  state: State,
  at: number,
  failure: { readonly keepsLease: boolean; readonly isRefusal: boolean },
): StateStep {
  const who = callOf(state, at);
  const what = failure.isRefusal ? "refusal" : "failure";
  if (!state.isStoreUp) {
    return { text: `${who} cannot store the ${what}`, state: endInvocation(state, at) };
  }
  const text = `${who} stores the ${what}, and ${failure.keepsLease ? "keeps" : "ends"} its lease`;
  return { text, state: recordFailure(rules, state, at, failure) };
}

/** A process that dies loses what it alone has. Its request goes on. */
function crash(state: State, at: number, caller: Caller): readonly StateStep[] {
  const crashed = afterFault(state, "crashes");
  if (crashed === undefined) return [];
  const { granted, isQueued, phase, call } = caller;
  const isLost = phase === "granted" && !isQueued && !isStored(state, granted);
  const families = isLost
    ? changedAt(crashed.families, granted.family, { isExcused: true })
    : crashed.families;
  const requests = crashed.requests.map((one) =>
    one.call === call ? { ...one, call: undefined } : one,
  );
  const text = `${callOf(state, at)} crashes`;
  return [{ text, state: endInvocation({ ...crashed, families, requests }, at) }];
}

const isStored = ({ item }: State, token: Token): boolean =>
  item !== undefined && isSame(item.token, token);
