import type { Configuration, Faults } from "./rules.ts";

/**
 * Durations in ticks of five seconds, after functions/domain/model/budget.ts and take-over.ts:
 *
 *     0              3            4             5                                   8
 *     ├── provider ───┤ timeout    │             │                                   │
 *     ├── lease ───────────────────┤             │                                   │
 *     ├── function: commit, rescue queue ────────┤── first delivery ── rescue ──┤    │ earliest turn
 *
 * A state holds times relative to now. A time that has come is 0, and all that came earlier is the same.
 */
export const ticks = {
  providerTimeout: 3,
  lease: 4,
  /** The time that a token request leaves of its lease, for the commit. */
  commitReserve: 1,
  functionTimeout: 5,
  firstDelivery: 1,
  redelivery: 2,
  rescueTimeout: 1,
  /** How long a provider with a grace period accepts the former token. It is longer than a lease. */
  grace: 6,
} as const;

/** The refresh token of an authorization by the user (the family), after so many rotations. */
export interface Token {
  readonly family: number;
  readonly generation: number;
}

export interface Item {
  readonly token: Token;
  readonly version: number;
  readonly isDeleted: boolean;
  readonly isExpired: boolean;
}

export interface Lease {
  /** The call that acquired it. */
  readonly call: number;
  /** Down to minus the time that a function may go on after its lease. */
  readonly endsIn: number;
  /** A failure is stored under this lease. */
  readonly hasFailed: boolean;
  /** Undefined: nobody has stated a turn for this lease. */
  readonly turnIn: number | undefined;
  /** The version that the lease was acquired for. Only a lease in an item of its own names it. */
  readonly version: number;
}

export type Phase =
  | "idle"
  /** With a lease in an item of its own: the connection is read, and the lease not yet acquired. */
  | "reading"
  /** Likewise: the lease is acquired, and the connection not yet read again. */
  | "leased"
  | "holding"
  | "sent"
  | "granted"
  | "refused"
  | "timed_out"
  | "reset";

/** A place for one call at a time. */
export interface Caller {
  readonly phase: Phase;
  /** The number of the call, which also names its lease. 0: none has begun. */
  readonly call: number;
  readonly leaseEndsIn: number;
  readonly functionEndsIn: number;
  readonly timesOutIn: number;
  /** The item as it was read. */
  readonly token: Token;
  readonly version: number;
  /** The token set that is to be committed, and its version. */
  readonly granted: Token;
  readonly grantedVersion: number;
  /** The commit was tried, and its outcome is unknown or `held`. */
  readonly hasTried: boolean;
  readonly isQueued: boolean;
}

/** A token request on its way to the provider. It arrives before the lease ends, or never. */
export interface TokenRequest {
  readonly token: Token;
  /** The call that waits for the response. Undefined: it does not any more. */
  readonly call: number | undefined;
  readonly arrivesWithin: number;
}

export interface RescueMessage {
  readonly token: Token;
  readonly expectedVersion: number;
  readonly version: number;
  readonly deliveredIn: number;
}

/** The provider's view of one authorization. */
export interface Family {
  /** The newest refresh token. */
  readonly generation: number;
  readonly graceLeft: number;
  readonly isRevoked: boolean;
  /** A rotation's response reached nobody, or died with its process before the first durable write. */
  readonly isExcused: boolean;
}

/** An operator's put that is prepared and not yet written. */
export interface Put {
  readonly kind: "reauthorization" | "reimport";
  readonly token: Token;
  /** Undefined: there was no such connection. */
  readonly expectedVersion: number | undefined;
  readonly version: number;
}

export interface State {
  /** Undefined: the item is gone, and nothing is left of it. */
  readonly item: Item | undefined;
  readonly lease: Lease | undefined;
  readonly isStoreUp: boolean;
  readonly callers: readonly Caller[];
  /** Calls that have begun. */
  readonly calls: number;
  readonly requests: readonly TokenRequest[];
  readonly queue: readonly RescueMessage[];
  readonly families: readonly Family[];
  /** The family that the user has authorized last. Undefined: the connection was deleted. */
  readonly authorized: number | undefined;
  readonly put: Put | undefined;
  /** Grows when an item goes, which takes a person or TTL: that much later, the clock shows another time. */
  readonly epoch: number;
  readonly faultsLeft: Faults;
  /** A caller has presented a token that was replaced, and no fault excuses it. */
  readonly spentToken: Token | undefined;
}

const first: Token = { family: 0, generation: 0 };
export const newFamily: Family = {
  ...{ generation: 0, graceLeft: 0, isRevoked: false, isExcused: false },
};
const idle = {
  phase: "idle",
  ...{ call: 0, leaseEndsIn: 0, functionEndsIn: 0, timesOutIn: 0 },
  ...{ token: first, version: 0, granted: first, grantedVersion: 0 },
  ...{ hasTried: false, isQueued: false },
} as const;

export const initialState = ({ callers, faults }: Configuration): State => ({
  item: { token: first, version: 1, isDeleted: false, isExpired: false },
  lease: undefined,
  isStoreUp: true,
  callers: Array.from({ length: callers }, () => idle),
  calls: 0,
  requests: [],
  queue: [],
  families: [newFamily],
  authorized: 0,
  put: undefined,
  epoch: 0,
  faultsLeft: faults,
  spentToken: undefined,
});

export const changedAt = <Of>(list: readonly Of[], at: number, changes: Partial<Of>): Of[] =>
  list.map((one, i) => (i === at ? { ...one, ...changes } : one));

export const withCaller = (state: State, at: number, changes: Partial<Caller>): State => ({
  ...state,
  callers: changedAt(state.callers, at, changes),
});

/** The caller's invocation ends, whatever its outcome, and it forgets everything. */
export const endInvocation = (state: State, at: number): State => withCaller(state, at, idle);

/** One fault fewer. Undefined: there is none left. */
export const afterFault = (state: State, fault: keyof Faults): State | undefined => {
  const left = state.faultsLeft[fault];
  if (left === 0) return undefined;
  return { ...state, faultsLeft: { ...state.faultsLeft, [fault]: left - 1 } };
};

export const isSame = (one: Token, other: Token): boolean =>
  one.family === other.family && one.generation === other.generation;

export const nameOf = ({ family, generation }: Token): string => `token ${family}.${generation}`;

export const callOf = ({ callers }: State, at: number): string => `call ${callers[at]?.call}`;
