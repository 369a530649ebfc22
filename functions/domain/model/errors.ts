/**
 * Every way in which a refresh does not succeed, and what follows from it: one table from code to
 * HTTP status (RFC 9457 problem), advice to the caller, and the sentence that a person reads.
 *
 * `retry`: `never` until somebody acts; `soon` in a second or so; `after` what `Retry-After` says.
 */
export const refreshErrors = {
  unauthenticated: {
    status: 401,
    retry: "never",
    detail: "A valid bearer credential is required.",
  },
  workspace_forbidden: {
    status: 403,
    retry: "never",
    detail: "The credential may not use this workspace.",
  },
  connection_not_found: {
    status: 404,
    retry: "never",
    detail: "There is no such connection in this workspace.",
  },
  reauthorization_required: {
    status: 409,
    retry: "never",
    detail: "The provider refused the refresh token: the user has to connect again.",
  },
  no_refresh_token: {
    status: 409,
    retry: "never",
    detail: "The connection holds no refresh token.",
  },
  connection_inactive: {
    status: 409,
    retry: "never",
    detail: "The connection is switched off.",
  },
  unsupported_media_type: {
    status: 415,
    retry: "never",
    detail: "A request body has to be application/json.",
  },
  provider_rate_limited: {
    status: 429,
    retry: "after",
    detail: "The provider asks for fewer requests.",
  },
  internal_error: {
    status: 500,
    retry: "never",
    detail: "Something unexpected happened. The request id finds it in the log.",
  },
  provider_error: {
    status: 502,
    retry: "soon",
    detail: "The provider did not answer with a token.",
  },
  client_rejected: {
    status: 502,
    retry: "never",
    detail: "The provider rejected the client registration.",
  },
  misconfigured_integration: {
    status: 502,
    retry: "never",
    detail: "The client registration cannot be used.",
  },
  refresh_in_progress: {
    status: 503,
    retry: "soon",
    detail: "Another caller is refreshing this connection.",
  },
  store_unavailable: {
    status: 503,
    retry: "soon",
    detail: "A store that this service depends on does not answer.",
  },
  integration_held: {
    status: 503,
    retry: "after",
    detail: "The integration is held back for a while.",
  },
  provider_timeout: {
    status: 504,
    retry: "soon",
    detail: "The provider did not answer in time.",
  },
} as const satisfies Record<string, RefreshErrorTraits>;

interface RefreshErrorTraits {
  readonly status: number;
  readonly retry: "never" | "soon" | "after";
  readonly detail: string;
}

export type RefreshErrorCode = keyof typeof refreshErrors;

/** Whether a failure may pass by itself, and is worth another try. */
export const isTransient = (code: RefreshErrorCode): boolean =>
  refreshErrors[code].retry !== "never";

export interface RefreshErrorContext {
  /** The integration at fault; part of the answer of every 502. */
  readonly integration?: string;
  readonly retryAfterSeconds?: number;
  /** One more sentence for the caller; never a token, never what the provider sent. */
  readonly reason?: string;
  readonly cause?: unknown;
}

/** An expected failure of a refresh; its `code` is stable and part of the API. */
export class RefreshError extends Error {
  readonly code: RefreshErrorCode;
  readonly integration: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: RefreshErrorCode, context: RefreshErrorContext = {}) {
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

/** A store, a key service or a secret store did not answer or refused for now; nothing is known to be wrong with the request. */
export class StoreUnavailable extends Error {
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
