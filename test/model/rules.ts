/** The rules of the protocol that can be switched, one by one. */
export interface Rules {
  /**
   * When a dead lease with nothing stored under it may be acquired. `at_once`: as soon as it has ended. `in_turn`: at
   * a time that the first caller who finds it states, and that leaves a rescue its redelivery. `behind_rescue`: once a
   * message that this caller sends has passed the rescue queue in order, behind every token set of the connection.
   */
  readonly takeOver: "at_once" | "in_turn" | "behind_rescue";
  /** The ambiguous ends of a token request after which the rest of the lease keeps other callers away. */
  readonly leaseIsKeptAfter: "timeout" | "any_ambiguity";
  /**
   * `counted`: the stored version plus one, and 1 where nothing is stored. `never_repeated`: the largest of that, the
   * version of what a delete has left plus one, and the time.
   */
  readonly versions: "counted" | "never_repeated";
  /** `removes`: the item is gone. `leaves_tombstone`: declined under a live lease; id and version stay. */
  readonly deletion: "removes" | "leaves_tombstone";
  /**
   * The condition of an operator's put. `version`: the stored version is the one that was read. `version_and_lease`:
   * also, there is neither a live lease nor a dead one with nothing stored under it.
   */
  readonly put: "unconditional" | "version" | "version_and_lease";
  /** A commit is declined while another caller holds a live lease. */
  readonly commitWaitsForHolder: boolean;
  /** The place of the lease: attributes of the connection's item, or an item of its own. */
  readonly leasePlace: "connection_item" | "own_item";
  /** With an item of its own: the connection is read, consistently, after the lease was acquired. */
  readonly readsAfterLease: boolean;
  /** With an item of its own: the lease names a version, and is void once the stored version is another. */
  readonly leaseNamesVersion: boolean;
}

/** The protocol before a dead lease had a turn (record 16) and a version was the time (record 17). */
export const formerRules: Rules = {
  takeOver: "at_once",
  leaseIsKeptAfter: "timeout",
  versions: "counted",
  deletion: "removes",
  put: "unconditional",
  commitWaitsForHolder: false,
  leasePlace: "connection_item",
  readsAfterLease: true,
  leaseNamesVersion: true,
};

/** The protocol as it is deployed. */
export const presentRules: Rules = {
  ...formerRules,
  takeOver: "in_turn",
  leaseIsKeptAfter: "any_ambiguity",
  versions: "never_repeated",
  deletion: "leaves_tombstone",
  put: "version",
  commitWaitsForHolder: true,
};

/** The present rules, and a put that waits for the holder of the lease and for a rescue. */
export const wantedRules: Rules = { ...presentRules, put: "version_and_lease" };

/**
 * `none`: the refresh token stays the same. `grace`: it rotates, and the one before is accepted for a time. `strict`:
 * it rotates, and the reuse of any former one revokes the whole family.
 */
export type Rotation = "none" | "grace" | "strict";

/** How often each fault may happen in one run, at most. */
export interface Faults {
  readonly crashes: number;
  readonly outages: number;
  /** The token request's response times out or its connection is reset, before or after the rotation. */
  readonly ambiguousEnds: number;
  /** A write is carried out and its response is lost. */
  readonly lostResponses: number;
  /** The user authorizes the connection anew, and an operator stores the tokens. */
  readonly reauthorizations: number;
  /** An operator stores the token set that it read a while ago once more, as an import that is repeated does. */
  readonly reimports: number;
  readonly deletes: number;
}

export const noFaults: Faults = {
  ...{ crashes: 0, outages: 0, ambiguousEnds: 0, lostResponses: 0 },
  ...{ reauthorizations: 0, reimports: 0, deletes: 0 },
};

export interface Configuration {
  readonly rules: Rules;
  readonly rotation: Rotation;
  /** Calls that are under way at once, at most. */
  readonly callers: number;
  /** Calls in one run, at most. */
  readonly calls: number;
  readonly faults: Faults;
}
