import { STATUS_CODES } from "node:http";
import { refreshScope } from "../functions/domain/authentication.ts";

/**
 * The responses that API Gateway generates itself, in the format of the API's own (RFC 9457). They are plain data:
 * the stack deploys them, and the local gateway sends them.
 *
 * Each text is ours, since the gateway's own, `$context.error.message`, can quote the Authorization header: for an
 * unknown path, the gateway takes a bearer token for a signature.
 * Types: https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
 */
export interface GatewayResponse {
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

export const gatewayResponses = {
  /** RFC 6750 §3. The gateway also sends it for a request without a credential, which the authorizer never sees. */
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
  /** The usage plan does not know the authorizer's key: the setting callerRate is being switched on or off. */
  INVALID_API_KEY: authorizationUnavailable,
  /** A REST API's response to an unknown path or method. */
  MISSING_AUTHENTICATION_TOKEN: routeNotFound,
  RESOURCE_NOT_FOUND: routeNotFound,
  /** The same, for a request with a credential: the gateway reads it as an AWS signature. */
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
    detail: "Too many requests.",
    headers: { "Retry-After": "1" },
  },
  QUOTA_EXCEEDED: {
    status: 429,
    code: "too_many_requests",
    detail: "Too many requests.",
    headers: { "Retry-After": "60" },
  },
  DEFAULT_4XX: {
    status: 400,
    code: "bad_request",
    detail: "The gateway does not accept this request.",
  },
  /** The authorizer failed and did not decide: its key store or key set was unavailable. */
  AUTHORIZER_FAILURE: authorizationUnavailable,
  /** The same: any error of the function but `Unauthorized` counts as a misconfiguration. */
  AUTHORIZER_CONFIGURATION_ERROR: authorizationUnavailable,
  INTEGRATION_TIMEOUT: {
    status: 504,
    code: "gateway_timeout",
    detail: "The service did not respond in time.",
    headers: { "Retry-After": "5" },
  },
  INTEGRATION_FAILURE: internal,
  DEFAULT_5XX: internal,
} as const satisfies Record<string, GatewayResponse>;

export type GatewayResponseType = keyof typeof gatewayResponses;

/** @param requestId the request's, or the gateway's variable for it */
export const problemBody = ({ status, code, detail }: GatewayResponse, requestId: string) => ({
  type: "about:blank",
  title: STATUS_CODES[status],
  status,
  detail,
  code,
  request_id: requestId,
});
