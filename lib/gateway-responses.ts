import { STATUS_CODES } from "node:http";
import { refreshScope } from "../functions/domain/authentication.ts";

/**
 * The answers that API Gateway gives by itself, in the form of the API's own (RFC 9457), as plain
 * data: the stack deploys them, the local gateway answers with them.
 *
 * Each text is ours. What the gateway would say, `$context.error.message`, can quote the
 * Authorization header: to a path that it does not know, it takes a bearer token for a signature.
 * Types: https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
 */
export interface GatewayAnswer {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const routeNotFound = {
  status: 404,
  code: "route_not_found",
  detail: "There is no such path, or not with this method.",
} as const;

const authorizationUnavailable = {
  status: 503,
  code: "authorization_unavailable",
  detail: "The credential cannot be checked right now.",
  headers: { "Retry-After": "5" },
} as const;

const internal = {
  status: 500,
  code: "internal_error",
  detail: "Something unexpected happened. The request id finds it in the log.",
} as const;

export const gatewayAnswers = {
  /** RFC 6750 §3. Also what the gateway answers, without asking the authorizer, to no credential. */
  UNAUTHORIZED: {
    status: 401,
    code: "unauthenticated",
    detail: "A valid bearer credential is required.",
    headers: { "WWW-Authenticate": "Bearer" },
  },
  /** RFC 6750 §3.1. */
  ACCESS_DENIED: {
    status: 403,
    code: "insufficient_scope",
    detail: "The credential does not carry the scope that this operation needs.",
    headers: { "WWW-Authenticate": `Bearer error="insufficient_scope", scope="${refreshScope}"` },
  },
  /** What a REST API answers to a path or method that it does not have. */
  MISSING_AUTHENTICATION_TOKEN: routeNotFound,
  RESOURCE_NOT_FOUND: routeNotFound,
  /** The same, when the request carries a credential: the gateway tries it as an AWS signature. */
  INVALID_SIGNATURE: routeNotFound,
  EXPIRED_TOKEN: routeNotFound,
  REQUEST_TOO_LARGE: {
    status: 413,
    code: "request_too_large",
    detail: "The request body is too large.",
  },
  THROTTLED: {
    status: 429,
    code: "too_many_requests",
    detail: "This API is asked more often than it allows.",
    headers: { "Retry-After": "1" },
  },
  QUOTA_EXCEEDED: {
    status: 429,
    code: "too_many_requests",
    detail: "This API is asked more often than it allows.",
    headers: { "Retry-After": "60" },
  },
  DEFAULT_4XX: {
    status: 400,
    code: "bad_request",
    detail: "The gateway does not accept this request.",
  },
  /** The authorizer failed rather than refused: its key store or key set did not answer. */
  AUTHORIZER_FAILURE: authorizationUnavailable,
  /** The same: what a function throws, `Unauthorized` apart, counts as its misconfiguration. */
  AUTHORIZER_CONFIGURATION_ERROR: authorizationUnavailable,
  INTEGRATION_TIMEOUT: {
    status: 504,
    code: "gateway_timeout",
    detail: "The service did not answer in time.",
    headers: { "Retry-After": "5" },
  },
  INTEGRATION_FAILURE: internal,
  DEFAULT_5XX: internal,
} as const satisfies Record<string, GatewayAnswer>;

export type GatewayResponseType = keyof typeof gatewayAnswers;

/** The body of an answer. @param requestId the request's, or the gateway's variable for it */
export const gatewayProblem = ({ status, code, detail }: GatewayAnswer, requestId: string) => ({
  type: "about:blank",
  title: STATUS_CODES[status],
  status,
  detail,
  code,
  request_id: requestId,
});
