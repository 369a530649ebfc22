export interface Provider {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface ProviderBehaviour {
  /** The token that the live one followed is taken too, and answered with another successor. */
  readonly grace: boolean;
  /** One request in so many is refused with 503; 0: none. */
  readonly refusesOneIn: number;
  /** One request in so many is never answered; 0: none. */
  readonly hangsOneIn: number;
  /** Whether a request that is never answered has rotated the token. */
  readonly rotatesBeforeHanging: boolean;
  /** How long an answer takes, as one over a network does. */
  readonly responseDelayMs: number;
}

/** At once, always, and never twice for one token. */
export const strict: ProviderBehaviour = {
  grace: false,
  refusesOneIn: 0,
  hangsOneIn: 0,
  rotatesBeforeHanging: false,
  responseDelayMs: 0,
};

export interface ProviderCounts {
  readonly granted: number;
  /** Of these, by the token before the live one. */
  readonly graced: number;
  /** Uses of a token that had been used: each ended a family. */
  readonly reused: number;
  readonly refused: number;
  readonly hung: number;
  /** Requests of a client that could not be authenticated. */
  readonly unauthenticated: number;
}
