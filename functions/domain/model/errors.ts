/**
 * Every way in which a request does not end with a fresh token, and all that follows from it. An error
 * code is added here, and nothing compiles until each column is stated.
 *
 * - `status`: HTTP status of the problem (RFC 9457).
 * - `retry`: advice to the caller. `never` until somebody acts, `soon` in a second or so, `after` the
 *   time in `Retry-After`.
 * - `schedule`: what a scheduled refresh does with its connection after such an error, unless the refresh
 *   has already stored the failure together with the next attempt: {@link ScheduleAction}.
 * - `metric`: the metric that counts it once for each refresh, by code.
 * - `detail`: the sentence that a person reads.
 */
export const refreshErrors = {
  unauthenticated: {
    status: 401,
    retry: "never",
    schedule: "not_applicable",
    metric: "none",
    detail: "A valid bearer credential is required.",
  },
  workspace_forbidden: {
    status: 403,
    retry: "never",
    schedule: "not_applicable",
    metric: "none",
    detail: "The credential may not use this workspace.",
  },
  connection_not_found: {
    status: 404,
    retry: "never",
    schedule: "discard",
    metric: "none",
    detail: "There is no such connection in this workspace.",
  },
  reauthorization_required: {
    status: 409,
    retry: "never",
    schedule: "remove",
    metric: "Failed",
    detail: "The provider refused the refresh token: the user has to connect again.",
  },
  no_refresh_token: {
    status: 409,
    retry: "never",
    schedule: "remove",
    metric: "none",
    detail: "The connection holds no refresh token.",
  },
  connection_inactive: {
    status: 409,
    retry: "never",
    schedule: "look_again",
    metric: "none",
    detail: "The connection is switched off.",
  },
  unsupported_media_type: {
    status: 415,
    retry: "never",
    schedule: "not_applicable",
    metric: "none",
    detail: "A request body has to be application/json.",
  },
  provider_rate_limited: {
    status: 429,
    retry: "after",
    schedule: "with_integration",
    metric: "Failed",
    detail: "The provider asks for fewer requests.",
  },
  internal_error: {
    status: 500,
    retry: "never",
    schedule: "redeliver",
    metric: "none",
    detail: "Something unexpected happened. The request id finds it in the log.",
  },
  provider_error: {
    status: 502,
    retry: "soon",
    schedule: "back_off",
    metric: "Failed",
    detail: "The provider did not respond with a token.",
  },
  client_rejected: {
    status: 502,
    retry: "never",
    schedule: "with_integration",
    metric: "Failed",
    detail: "The provider rejected the client registration.",
  },
  misconfigured_integration: {
    status: 502,
    retry: "never",
    schedule: "with_integration",
    metric: "Failed",
    detail: "The client registration cannot be used.",
  },
  refresh_in_progress: {
    status: 503,
    retry: "soon",
    schedule: "back_off",
    metric: "none",
    detail: "Another caller is refreshing this connection.",
  },
  store_unavailable: {
    status: 503,
    retry: "soon",
    schedule: "back_off",
    metric: "none",
    detail: "A store that this service depends on does not answer.",
  },
  integration_held: {
    status: 503,
    retry: "after",
    schedule: "with_integration",
    metric: "none",
    detail: "The integration is held for a while.",
  },
  provider_timeout: {
    status: 504,
    retry: "soon",
    schedule: "back_off",
    metric: "Failed",
    detail: "The provider did not respond in time.",
  },
} as const satisfies Record<string, RefreshErrorTraits>;

export interface RefreshErrorTraits {
  readonly status: number;
  readonly retry: "never" | "soon" | "after";
  readonly schedule: ScheduleAction;
  readonly metric: "Failed" | "none";
  readonly detail: string;
}

/**
 * - `not_applicable`: the error is about an HTTP request; no refresh ends with it.
 * - `discard`: there is nothing to refresh, and the message is done.
 * - `redeliver`: the error is unexpected, and the message comes again.
 * - `remove`: the connection leaves the schedule until its tokens are replaced.
 * - `look_again`: the connection is due in an hour, in case its owner switches it on.
 * - `back_off`: the connection is due after a delay that grows with each failure.
 * - `with_integration`: the connection is due when its integration may be asked again.
 */
export type ScheduleAction =
  | "not_applicable"
  | "discard"
  | "redeliver"
  | "remove"
  | "look_again"
  | "back_off"
  | "with_integration";

type ErrorTable = typeof refreshErrors;
export type RefreshErrorCode = keyof ErrorTable;

type CodesWith<Column extends keyof RefreshErrorTraits, Value> = {
  [Code in RefreshErrorCode]: ErrorTable[Code][Column] extends Value ? Code : never;
}[RefreshErrorCode];

/** After these, the failure is stored with the connection. */
const storedActions = ["remove", "look_again", "back_off", "with_integration"] as const;

/** The codes that can be stored as a connection's last failure. */
export type FailureCode = CodesWith<"schedule", (typeof storedActions)[number]>;

/** The codes that the metric `Failed` counts. */
export type CountedErrorCode = CodesWith<"metric", "Failed">;

export const isFailureCode = (code: RefreshErrorCode): code is FailureCode =>
  storedActions.some((action) => action === refreshErrors[code].schedule);

export const failureCodes: readonly FailureCode[] = (
  Object.keys(refreshErrors) as RefreshErrorCode[]
).filter(isFailureCode);

/** A failure that can end without anybody's intervention, and is worth another attempt. */
export const isTransient = (code: RefreshErrorCode): boolean =>
  refreshErrors[code].retry !== "never";

export interface RefreshErrorContext {
  /** The integration at fault; part of the response of every 502. */
  readonly integration?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  /** One more sentence for the caller; never a token, never text that the provider sent. */
  readonly reason?: string | undefined;
  readonly cause?: unknown;
}

/**
 * An expected error; its `code` is stable and part of the API.
 *
 * @typeParam Code what the code is known to be
 */
export class RefreshError<Code extends RefreshErrorCode = RefreshErrorCode> extends Error {
  readonly code: Code;
  readonly integration: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: Code, context: RefreshErrorContext = {}) {
    const { detail } = refreshErrors[code];
    super(
      context.reason === undefined ? detail : `${detail} ${context.reason}`,
      context.cause === undefined ? undefined : { cause: context.cause },
    );
    this.name = "RefreshError";
    this.code = code;
    this.integration = context.integration;
    this.retryAfterSeconds = context.retryAfterSeconds ?? (isTransient(code) ? 1 : undefined);
  }
}

/**
 * A store, a key service or a secret store did not respond, or declined for now. Nothing is known to be
 * wrong with the request, and it may have been carried out.
 */
export class StoreUnavailable extends Error {
  /** @param store what did not respond, to begin a sentence with: `DynamoDB` */
  constructor(store: string, cause?: unknown) {
    super(`${store} is unavailable`, { cause });
    this.name = "StoreUnavailable";
  }
}

/** A client registration that cannot be used, and why, in words for the operator; no secret in it. */
export class MisconfiguredRegistration extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "MisconfiguredRegistration";
  }
}
