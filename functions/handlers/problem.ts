import { STATUS_CODES } from "node:http";
import type { APIGatewayProxyResult } from "aws-lambda";
import { RefreshError, refreshErrors } from "../domain/model/errors.ts";
import { isoSecond } from "../domain/model/instant.ts";
import type { FreshToken } from "../domain/model/outcome.ts";
import { InvalidRequest } from "./faults.ts";

/** A response names accounts and times, which no cache may keep. */
const noStore = { "Cache-Control": "no-store" };

export const successResponse = (outcome: FreshToken): APIGatewayProxyResult => ({
  statusCode: 200,
  headers: {
    ...noStore,
    "Content-Type": "application/json",
    "X-Refresh-Outcome": outcome.kind,
  },
  body: JSON.stringify(successBody(outcome)),
});

export const successBody = ({ connectionId, expiresAtMs }: FreshToken) => ({
  status: "success",
  connection_id: connectionId,
  expires_at: expiresAtMs === undefined ? null : isoSecond(expiresAtMs),
});

/**
 * The response to any error. An unexpected error is for the log alone, and not for the caller.
 * @param requestId the gateway's id of the request, in the response and in the log
 */
export function problemFor(error: unknown, requestId: string): APIGatewayProxyResult {
  if (error instanceof InvalidRequest) return validationErrors(error);
  return problem(
    error instanceof RefreshError ? error : new RefreshError("internal_error"),
    requestId,
  );
}

/** The API's `HTTPValidationError`. */
const validationErrors = ({ faults }: InvalidRequest): APIGatewayProxyResult => ({
  statusCode: 422,
  headers: { ...noStore, "Content-Type": "application/json" },
  body: JSON.stringify({ detail: faults }),
});

/** RFC 9457. */
function problem(error: RefreshError, requestId: string): APIGatewayProxyResult {
  const { code, integration, retryAfterSeconds } = error;
  const { status } = refreshErrors[code];
  return {
    statusCode: status,
    headers: {
      ...noStore,
      "Content-Type": "application/problem+json",
      ...(retryAfterSeconds !== undefined && { "Retry-After": `${Math.ceil(retryAfterSeconds)}` }),
      ...(status === 401 && { "WWW-Authenticate": "Bearer" }),
    },
    body: JSON.stringify({
      type: "about:blank",
      title: STATUS_CODES[status],
      status,
      detail: error.message,
      code,
      request_id: requestId,
      integration,
    }),
  };
}
