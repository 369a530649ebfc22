import {
  type Caller,
  endInvocation,
  type Item,
  isSame,
  type Lease,
  type State,
  type Token,
  ticks,
  withCaller,
} from "./protocol-state.ts";
import type { Rules } from "./rules.ts";

/** A version of the next token set, given the stored one. The clock stands still but for epochs: the worst case. */
export const nextVersion = (
  { versions }: Rules,
  { epoch }: Pick<State, "epoch">,
  stored: number,
): number => (versions === "counted" ? stored + 1 : Math.max(stored + 1, epoch * 16));

export const isLive = (lease: Lease | undefined): boolean =>
  lease !== undefined && lease.endsIn > 0;

/** A live lease, or a dead one that may have a token set on its way. */
export const isUnresolved = (lease: Lease | undefined): boolean =>
  lease !== undefined && !lease.hasFailed && lease.turnIn !== 0;

/** With an item of its own: the connection has moved on, and the lease is for a version that was. */
const isVoid = ({ leasePlace, leaseNamesVersion }: Rules, lease: Lease, version: number): boolean =>
  leasePlace === "own_item" && leaseNamesVersion && lease.version < version;

export function mayAcquire(rules: Rules, lease: Lease | undefined, version: number): boolean {
  if (lease === undefined || isVoid(rules, lease, version)) return true;
  if (isLive(lease)) return false;
  return rules.takeOver === "at_once" || !isUnresolved(lease);
}

/** The rescue waits for a holder, and for no turn: it presents no token. */
export const mayRescue = (rules: Rules, lease: Lease | undefined, version: number): boolean =>
  !isLive(lease) || (lease !== undefined && isVoid(rules, lease, version));

export function acquired(
  state: State,
  at: number,
  { token, version }: Pick<Item, "token" | "version">,
  phase: Caller["phase"],
): State {
  const call = state.callers[at]?.call ?? 0;
  const lease = { call, endsIn: ticks.lease, hasFailed: false, turnIn: undefined, version };
  return withCaller({ ...state, lease }, at, {
    ...{ phase, token, version },
    ...{ leaseEndsIn: ticks.lease, functionEndsIn: ticks.functionTimeout },
  });
}

export const released = (state: State, call: number): State =>
  state.lease?.call === call ? { ...state, lease: undefined } : state;

export type Written = "done" | "superseded" | "absent" | "held";

export interface Commit {
  readonly token: Token;
  readonly expectedVersion: number;
  readonly version: number;
  /** Undefined: the rescue, which acquires the lease for its commit. */
  readonly call: number | undefined;
}

/** A conditional write of a token set. It ends a lease in the connection's item. */
export function commit(
  rules: Rules,
  state: State,
  { token, expectedVersion, version, call }: Commit,
): readonly [Written, State] {
  const { item, lease } = state;
  if (item === undefined || item.isDeleted) return ["absent", state];
  if (item.version !== expectedVersion) {
    return [isSame(item.token, token) ? "done" : "superseded", state];
  }
  const isOthers = call === undefined || lease?.call !== call;
  if (rules.commitWaitsForHolder && rules.leasePlace === "connection_item") {
    if (isOthers && isLive(lease)) return ["held", state];
  }
  const stored = { token, version, isDeleted: false, isExpired: false };
  // A lease in an item of its own would need another write. Where it names a version, it is void from now on.
  const leaseAfter = rules.leasePlace === "own_item" ? lease : undefined;
  return ["done", { ...state, item: stored, lease: leaseAfter }];
}

/** A failure under the caller's lease. A refusal marks the connection as expired if its version stands. */
export function recordFailure(
  { leasePlace }: Rules,
  state: State,
  at: number,
  { keepsLease, isRefusal }: { readonly keepsLease: boolean; readonly isRefusal: boolean },
): State {
  const { item, lease } = state;
  const caller = state.callers[at];
  const ended = endInvocation(state, at);
  const isMine = lease !== undefined && lease.call === caller?.call;
  const stands = item !== undefined && !item.isDeleted && item.version === caller?.version;
  if (!stands || (leasePlace === "connection_item" && !isMine)) return ended;
  const failed = { hasFailed: true, turnIn: undefined };
  return {
    ...ended,
    item: { ...item, isExpired: item.isExpired || isRefusal },
    ...(isMine && { lease: keepsLease ? { ...lease, ...failed } : undefined }),
  };
}
