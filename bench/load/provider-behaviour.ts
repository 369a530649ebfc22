export interface Provider {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface ProviderBehaviour {
  /** The previous token is accepted too, and gets another successor. */
  readonly grace: boolean;
  /** One request in this number is refused with 503. 0: none is. */
  readonly refusesOneIn: number;
  /** One request in this number never gets a response. 0: every request gets one. */
  readonly hangsOneIn: number;
  /** True if a request that never gets a response rotates the token. */
  readonly rotatesBeforeHanging: boolean;
  /** The delay of each response. */
  readonly responseDelayMs: number;
}

/** Responds to every request at once, and accepts each token once. */
export const strict: ProviderBehaviour = {
  grace: false,
  refusesOneIn: 0,
  hangsOneIn: 0,
  rotatesBeforeHanging: false,
  responseDelayMs: 0,
};

export interface ProviderCounts {
  readonly granted: number;
  /** The number of `granted` requests that presented the previous token. */
  readonly graced: number;
  /** Uses of a used token. Each revoked a family. */
  readonly reused: number;
  readonly refused: number;
  readonly hung: number;
  /** Requests without valid client authentication. */
  readonly unauthenticated: number;
}
